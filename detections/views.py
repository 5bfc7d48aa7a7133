"""The pages people see: where everyone was last seen, every detection, faces, and the way in."""

import hashlib
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from access.pagination import History
from access.roles import Capability
from access.views import requires
from detections import searching
from detections.api.browsing import DetectionFilter, detections
from detections.models import Camera, Crop, Detection, FaceImage, LastSeen, Search
from people.models import Person
from recognition.models import ActiveModel

PEOPLE_PER_PAGE = 25
UNKNOWN_SHOWN = 8
# More than this many are shown as "100 or more": an exact count would walk the table every two seconds.
UNKNOWN_COUNTED = 100
JUST_NOW = timedelta(minutes=1)
STALE = timedelta(hours=1)


@method_decorator(login_not_required, name="dispatch")
class Login(LoginView):
    template_name = "login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.htmx:
            # The board came here because its session ended: the whole page must go to the login, not the board alone.
            return HttpResponseClientRefresh()
        return super().dispatch(request, *args, **kwargs)


@require_safe
@never_cache
@requires(Capability.READ)
def dashboard(request: HttpRequest) -> HttpResponse:
    """Last-known locations. The board in it asks for itself again and again, naming the version that it shows."""
    board = _board(request)
    content = render_to_string("detections/board.html", board, request)
    version = hashlib.sha256(content.encode()).hexdigest()[:16]
    if request.htmx and request.GET.get("version") == version:
        return HttpResponse(status=204)
    if board["search"] or not request.htmx:
        # Not each time that a board of everyone refreshes itself.
        found = [one.person_id for one in board["page"]] if board["search"] else ()
        searching.note(request.user, Search.Means.DASHBOARD, found)
    template = "detections/board_frame.html" if request.htmx else "detections/dashboard.html"
    return render(request, template, {"content": content, "version": version})


@require_safe
@never_cache
@requires(Capability.READ)
def detections_page(request: HttpRequest) -> HttpResponse:
    """Every detection, newest first, through the same filters and pages as the API's list."""
    chosen = DetectionFilter(request.GET, detections().annotate(has_face=_has_face("pk")))
    if not chosen.is_valid():
        return render(request, "detections/detections.html", {"form": chosen.form}, status=400)
    pages = History()
    try:
        rows = pages.paginate_queryset(chosen.qs, Request(request))
    except NotFound as error:
        raise Http404("This page of detections does not exist.") from error
    searching.note_face_id(request.user, chosen.form.cleaned_data["face_id"])
    context = {
        "form": chosen.form,
        "rows": rows,
        "newer": pages.get_previous_link(),
        "older": pages.get_next_link(),
        "is_filtered": any(chosen.form.cleaned_data.values()) or chosen.form.cleaned_data["known"] is False,
    }
    return render(request, "detections/detections.html", context)


@require_safe
@requires(Capability.READ)
def face_image(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The small JPEG of a detected face."""
    face = get_object_or_404(FaceImage, pk=pk)
    # A browser may keep it for the session's moment, not longer: the person may be erased.
    headers = {"Cache-Control": "private, max-age=300", "Content-Disposition": 'inline; filename="face.jpg"'}
    return HttpResponse(bytes(face.jpeg), content_type="image/jpeg", headers=headers)


def _board(request: HttpRequest) -> dict:
    now = timezone.now()
    search = request.GET.get("q", "").strip()
    page = _last_seen(search, request.GET.get("page"))
    unknown = Detection.objects.filter(person=None, captured_at__gte=now - STALE)
    pointer = ActiveModel.objects.select_related("model").filter(pk=ActiveModel.SINGLETON).first()
    context = {
        "search": search,
        "page": page,
        "just_now": now - JUST_NOW,
        "stale": now - STALE,
        "unknown": unknown.select_related("camera__location").annotate(has_face=_has_face("pk"))[:UNKNOWN_SHOWN],
        "unknown_count": unknown.order_by()[:UNKNOWN_COUNTED].count(),
        "unknown_counted": UNKNOWN_COUNTED,
        "model": pointer and pointer.model,
        "waiting": Crop.objects.filter(state=Crop.State.PENDING).count(),
    }
    if not page.object_list:
        context |= {"has_cameras": Camera.objects.exists(), "has_people": Person.objects.exists()}
    return context


def _last_seen(search: str, number: str | None) -> Page:
    rows = LastSeen.objects.select_related("person", "camera__location").annotate(has_face=_has_face("detection"))
    if search:
        rows = rows.filter(person__face_id__icontains=search)
    return Paginator(rows.order_by("-captured_at", "pk"), PEOPLE_PER_PAGE).get_page(number)


def _has_face(detection: str) -> Exists:
    """Whether there is a picture of the detection, without reading the picture."""
    return Exists(FaceImage.objects.filter(pk=OuterRef(detection)))

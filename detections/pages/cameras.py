"""Cameras and the edge nodes beside them: how they are, and how one is added."""

from datetime import timedelta

from django.contrib import messages
from django.db import IntegrityError
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access import audit
from access.models import NotRotatableError
from access.roles import Capability
from access.views import requires
from detections import edge, joining
from detections.api.browsing import detections
from detections.bars import Chart, Column, chart, column_of
from detections.fleet import fleet, watched
from detections.models import Camera, CameraSettings, Detection, EdgeNode, FaceImage, Location
from detections.pages.forms import Cameras, NodeForm
from detections.pages.refreshing import just_now, refreshing

HOURS = 24
SHOWN = 8


@require_safe
@never_cache
@requires(Capability.READ)
def cameras_page(request: HttpRequest) -> HttpResponse:
    """All nodes with their cameras; `?node=` one of them."""
    chosen = request.GET.get("node", "")
    context = {
        "fleet": fleet(pk=chosen) if chosen.isdecimal() else fleet(),
        "chosen": chosen.isdecimal(),
        "just_now": just_now(),
    }
    return refreshing(request, "detections/cameras.html", "detections/fleet.html", context)


@require_safe
@never_cache
@requires(Capability.READ)
def camera_page(request: HttpRequest, pk: str) -> HttpResponse:
    camera = get_object_or_404(Camera.objects.select_related("location", "status", "settings"), pk=pk)
    context = {
        "one": watched(camera),
        "nodes": camera.nodes.all(),
        "settings": _settings(camera),
        "hours": _hours(camera),
        "latest": detections().filter(camera=camera).annotate(has_face=FaceImage.kept("pk"))[:SHOWN],
        "just_now": just_now(),
    }
    return refreshing(request, "detections/camera.html", "detections/camera_board.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Capability.ADMINISTER)
def add_node(request: HttpRequest) -> HttpResponse:
    """Three steps, each a page: what it is called and where, its cameras, and its key. Nothing is stored before the
    last, so that whoever goes away leaves nothing behind.
    """
    node = NodeForm(request.POST or None)
    step = request.POST.get("step")
    if step is None or not node.is_valid() or "back" in request.POST:
        return render(request, "detections/node_name.html", {"form": node, "places": Location.objects.all()})
    cameras = Cameras(request.POST if step == "cameras" else None)
    if step == "cameras" and "more" not in request.POST and cameras.is_valid():
        try:
            made, token = joining.join(
                node.cleaned_data["name"], node.cleaned_data["place"], cameras.new, cameras.known, request.user
            )
        except IntegrityError:
            node.add_error("name", _("Somebody has just added a node of this name."))
            return render(request, "detections/node_name.html", {"form": node, "places": Location.objects.all()})
        return _joined(request, made, token)
    return render(request, "detections/node_cameras.html", {"node": node, "cameras": cameras})


@never_cache
@requires(Capability.ADMINISTER)
@require_POST
def issue_key(request: HttpRequest, node: int) -> HttpResponse:
    """One more key for a node, shown once. The earlier one goes on until it ends or is revoked."""
    box = get_object_or_404(EdgeNode, pk=node)
    try:
        token = joining.issue_key(box, request.user)
    except NotRotatableError as error:
        messages.error(request, str(error))
        return redirect("cameras-page")
    audit.note(request.user, "issue_key", audit.kind_of(box), [box.pk])
    return _joined(request, box, token)


def _joined(request: HttpRequest, node: EdgeNode, token: str) -> HttpResponse:
    # In the answer itself rather than after a redirect: that way no session and no cookie ever holds it.
    context = {"node": node, "token": token, "server": request.build_absolute_uri("/").rstrip("/")}
    return render(request, "detections/node_joined.html", context)


def _settings(camera: Camera) -> list[tuple[str, str]]:
    """What its node is told of it, in words; not its stream's address, which may hold a password."""
    chosen = getattr(camera, "settings", None) or CameraSettings()
    told = {chosen._meta.get_field(name): getattr(chosen, name) for name in edge.SETTINGS}  # noqa: SLF001
    words = {True: _("yes"), False: _("no")}
    return [
        (field.verbose_name, words[value] if isinstance(value, bool) else localize(value))
        for field, value in told.items()
        if value not in {None, ""}
    ]


def _hours(camera: Camera) -> Chart:
    """How many faces the camera saw in each of the last hours, named and unknown."""
    now = timezone.now()
    starts = [now - timedelta(hours=HOURS - index) for index in range(HOURS)]
    named, unknown = [0] * HOURS, [0] * HOURS
    seen = Detection.objects.filter(camera=camera, captured_at__gte=starts[0], captured_at__lt=now).order_by()
    hour = column_of("captured_at", starts)
    for index, known, count in seen.values_list(hour).annotate(Count("person"), Count("pk")):
        named[index], unknown[index] = known, count - known
    return chart([Column(*one) for one in zip(starts, named, unknown, strict=True)], now)

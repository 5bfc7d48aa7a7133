"""Where everyone was last seen: the board of people, which follows what happens."""

from datetime import timedelta

import django_filters
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from access.roles import Capability
from access.views import requires
from detections import searching
from detections.filtering import Name
from detections.models import Camera, Crop, Detection, FaceImage, LastSeen, Location, Search
from detections.pages.refreshing import just_now, refreshing
from people.models import Person, PersonGroup, Photo
from recognition.models import ActiveModel

PEOPLE_PER_PAGE = 24
UNKNOWN_SHOWN = 8
UNKNOWN_READ = 50
# More than this many are shown as "100 or more": an exact count would walk the table every two seconds.
UNKNOWN_COUNTED = 100
STALE = timedelta(hours=1)
NEVER = "never"
LATELY = {
    "15m": (_("In the last 15 minutes"), timedelta(minutes=15)),
    "1h": (_("In the last hour"), timedelta(hours=1)),
    "24h": (_("In the last 24 hours"), timedelta(days=1)),
    "7d": (_("In the last 7 days"), timedelta(days=7)),
}


class WhereFilter(django_filters.FilterSet):
    """What last-known locations can be filtered by."""

    q = Name("person__face_id", "icontains", label=_("Name"), max_length=100)
    location = django_filters.ModelChoiceFilter(
        "camera__location", queryset=Location.objects.all(), label=_("Place"), empty_label=_("Everywhere")
    )
    camera = django_filters.ModelChoiceFilter(
        queryset=Camera.objects.all(), label=_("Camera"), empty_label=_("All cameras")
    )
    group = django_filters.ModelChoiceFilter(
        "person__group", queryset=PersonGroup.objects.all(), label=_("Group"), empty_label=_("Everyone")
    )
    since = django_filters.ChoiceFilter(
        choices=[*((key, label) for key, (label, _span) in LATELY.items()), (NEVER, _("Never"))],
        method="lately",
        label=_("Last seen"),
        empty_label=_("At any time"),
    )

    def lately(self, seen: QuerySet[LastSeen], name: str, chosen: str) -> QuerySet[LastSeen]:
        return seen if chosen == NEVER else seen.filter(captured_at__gte=timezone.now() - LATELY[chosen][1])

    @property
    def is_filtered(self) -> bool:
        return any(self.form.cleaned_data.values())


@require_safe
@never_cache
@requires(Capability.READ)
def dashboard(request: HttpRequest) -> HttpResponse:
    """Last-known locations. The board in it asks for itself again and again, naming the version that it shows."""
    chosen = WhereFilter(request.GET, LastSeen.objects.all())
    if not chosen.form.is_valid():
        return render(request, "detections/where.html", {"form": chosen.form}, status=400)
    board = _board(request, chosen)
    answer = refreshing(request, "detections/where.html", "detections/board.html", board, every=2)
    search = board["search"]
    if answer.status_code == 200 and (search or not request.htmx):
        # Not each time that a board of everyone refreshes itself.
        searching.note(request.user, Search.Means.DASHBOARD, [one.pk for one in board["page"]] if search else ())
    return answer


def _board(request: HttpRequest, chosen: WhereFilter) -> dict:
    now = timezone.now()
    page = _page(chosen, request.GET.get("page"))
    unknown = Detection.objects.filter(person=None, captured_at__gte=now - STALE)
    pointer = ActiveModel.objects.select_related("model").filter(pk=ActiveModel.SINGLETON).first()
    context = {
        "form": chosen.form,
        "tab": "people",
        "search": chosen.form.cleaned_data["q"],
        "is_filtered": chosen.is_filtered,
        "never": chosen.form.cleaned_data["since"] == NEVER,
        "page": page,
        "view": "cards" if request.GET.get("view") == "cards" else "table",
        "just_now": just_now(),
        "stale": now - STALE,
        "unknown": _unknown_people(unknown),
        "unknown_count": unknown.order_by()[:UNKNOWN_COUNTED].count(),
        "unknown_counted": UNKNOWN_COUNTED,
        "model": pointer and pointer.model,
        "waiting": Crop.objects.filter(state=Crop.State.PENDING).count(),
    }
    if not page.object_list:
        context |= {"has_cameras": Camera.objects.exists(), "has_people": Person.objects.exists()}
    return context


def _unknown_people(detections: QuerySet[Detection]) -> list[Detection]:
    """The newest detection of each of the last few tracks: a face once, not as often as it was sent."""
    recent = detections.select_related("camera__location").annotate(has_face=FaceImage.kept("pk"))
    newest: dict[object, Detection] = {}
    for one in recent[:UNKNOWN_READ]:
        newest.setdefault(one.track_id or one.pk, one)
    return list(newest.values())[:UNKNOWN_SHOWN]


def _page(chosen: WhereFilter, number: str | None) -> Page:
    if chosen.form.cleaned_data["since"] == NEVER:
        return Paginator(_never_seen(chosen.form.cleaned_data), PEOPLE_PER_PAGE).get_page(number)
    rows = chosen.qs.order_by("-captured_at", "pk")
    page = Paginator(rows.values_list("pk", flat=True), PEOPLE_PER_PAGE).get_page(number)
    # Joined and looked up for those shown alone, not for all of the pages before.
    shown = rows.filter(pk__in=list(page.object_list)).select_related("person__group", "camera__location")
    page.object_list = shown.annotate(has_face=FaceImage.kept("detection"), photo=Photo.first_of("person"))
    return page


def _never_seen(asked: dict) -> QuerySet[Person]:
    people = Person.objects.select_related("group").filter(last_seen=None).annotate(photo=Photo.first_of("pk"))
    if asked["q"]:
        people = people.filter(face_id__icontains=asked["q"])
    if asked["group"]:
        people = people.filter(group=asked["group"])
    # Whoever was never seen is at no place.
    return people.none() if asked["location"] or asked["camera"] else people.order_by("face_id")

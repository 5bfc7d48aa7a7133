"""People: everyone who is enrolled, and the page of one person."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import django_filters
from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from access.roles import Capability
from access.views import requires
from detections import searching, visits
from detections.filtering import Name
from detections.models import Search
from detections.pages.refreshing import just_now, refreshing
from people import lookalikes
from people.models import Person, PersonGroup, Photo, today

PEOPLE_PER_PAGE = 48


class PeopleFilter(django_filters.FilterSet):
    q = Name("face_id", "icontains", label=_("Name"), max_length=100)
    group = django_filters.ModelChoiceFilter(
        queryset=PersonGroup.objects.all(), label=_("Group"), empty_label=_("Everyone")
    )
    basis = django_filters.ChoiceFilter(
        choices=[("valid", _("Valid")), ("expired", _("Expired"))],
        method="lawful",
        label=_("Legal basis"),
        empty_label=_("Any"),
    )

    def lawful(self, people: QuerySet[Person], name: str, chosen: str) -> QuerySet[Person]:
        lawful = Person.objects.lawful().values("pk")
        return people.filter(pk__in=lawful) if chosen == "valid" else people.exclude(pk__in=lawful)


@require_safe
@never_cache
@requires(Capability.READ)
def people_page(request: HttpRequest) -> HttpResponse:
    """Everyone who is enrolled."""
    chosen = PeopleFilter(request.GET, Person.objects.order_by("face_id"))
    if not chosen.form.is_valid():
        return render(request, "detections/people.html", {"form": chosen.form}, status=400)
    page = Paginator(chosen.qs, PEOPLE_PER_PAGE).get_page(request.GET.get("page"))
    # Counted and pictured for those shown alone, not for all of the pages before.
    shown = (
        Person.objects.filter(pk__in=[one.pk for one in page]).with_photo_counts().annotate(photo=Photo.first_of("pk"))
    )
    page.object_list = list(shown.select_related("group", "last_seen__camera__location").order_by("face_id"))
    context = {
        "form": chosen.form,
        "page": page,
        "is_filtered": any(chosen.form.cleaned_data.values()),
        "just_now": just_now(),
    }
    answer = refreshing(request, "detections/people.html", "detections/people_board.html", context)
    is_search = bool(chosen.form.cleaned_data["q"])
    if answer.status_code == 200 and (is_search or not request.htmx):
        # It says where everyone is, as the dashboard does.
        means = Search.Means.PERSON if is_search else Search.Means.DASHBOARD
        searching.note(request.user, means, [one.pk for one in page] if is_search else ())
    return answer


@require_safe
@never_cache
@requires(Capability.READ)
def person_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Photos, visits, hours, places and look-alikes of one person."""
    people = Person.objects.select_related("group", "last_seen__camera__location")
    person = get_object_or_404(people.annotate(photo=Photo.first_of("pk")), pk=pk)
    searching.note(request.user, Search.Means.PERSON, [person.pk])
    latest, older = visits.of(person, _before(request))
    haunts = visits.haunts(latest)
    context = {
        "person": person,
        "seen": getattr(person, "last_seen", None),
        "photos": list(person.photos.order_by("refusal", "created_at")),
        "visits": latest,
        "older": older,
        "located": any(haunt.location.has_coordinates for haunt in haunts),
        "tiles": settings.MAP_TILES_URL,
        "attribution": settings.MAP_TILES_ATTRIBUTION,
        "is_history": "before" in request.GET,
        "haunts": haunts,
        "hours": visits.hours(person),
        "lookalikes": [
            (one, f"{100 * max(0.0, one.similarity):.0f} %") for one in _with_photos(lookalikes.nearest(person))
        ],
        "just_now": just_now(),
        "soon": today() + timedelta(days=30),
    }
    return render(request, "detections/person.html", context)


def _before(request: HttpRequest) -> datetime | None:
    try:
        moment = parse_datetime(request.GET.get("before", ""))
        if moment and timezone.is_naive(moment):
            moment = timezone.make_aware(moment)
        return moment and moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter at the edge of the calendar, where UTC has no such time
        return None


def _with_photos(found: list[lookalikes.Resemblance]) -> list[lookalikes.Resemblance]:
    photos = dict(
        Person.objects.filter(pk__in=[one.person.pk for one in found])
        .annotate(photo=Photo.first_of("pk"))
        .values_list("pk", "photo")
    )
    for one in found:
        one.person.photo = photos.get(one.person.pk)
    return found

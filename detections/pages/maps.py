"""The map: who is at which place, for places with coordinates."""

from dataclasses import dataclass, field

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from access.roles import Capability
from access.views import requires
from detections import searching
from detections.models import LastSeen, Location, Search
from detections.pages.plans import here
from detections.pages.refreshing import just_now, refreshing

FACES_SHOWN = 4
NAMES_SHOWN = 12


@dataclass
class Place:
    """A place and who was last seen there in the last hour, newest first."""

    location: Location
    seen: list[LastSeen] = field(default_factory=list)

    @property
    def faces(self) -> list[LastSeen]:
        return [one for one in self.seen if one.has_face or one.photo][:FACES_SHOWN]

    @property
    def named(self) -> list[LastSeen]:
        return self.seen[:NAMES_SHOWN]

    @property
    def more(self) -> int:
        return len(self.seen) - len(self.named)


@require_safe
@never_cache
@requires(Capability.READ)
def map_page(request: HttpRequest) -> HttpResponse:
    places = {location.pk: Place(location) for location in Location.objects.all()}
    for one in here().select_related("person", "camera"):
        places[one.camera.location_id].seen.append(one)
    located = [place for place in places.values() if place.location.has_coordinates]
    context = {
        "tab": "map",
        "places": located,
        "elsewhere": len(places) - len(located),
        "just_now": just_now(),
        "tiles": settings.MAP_TILES_URL,
        "attribution": settings.MAP_TILES_ATTRIBUTION,
    }
    if not request.htmx:  # when it is opened, not each time that it refreshes itself
        searching.note(request.user, Search.Means.DASHBOARD)
    return refreshing(request, "detections/map.html", "detections/map_board.html", context, every=2)

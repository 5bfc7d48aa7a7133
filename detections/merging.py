"""The newest of what several cameras saw."""

from collections.abc import Collection

from django.db import connection
from django.db.models import Q, QuerySet

# SQLite merges 500 at most. Who asks for more cameras has most of what there is, and soon finds a page of it.
MOST = 100


class Merged:
    """Detections or tracks of these cameras, of which pages are read: merged from a walk along the index of each.

    Asked for the newest of several cameras, a database walks back in time. Where they saw little for months, it would
    pass everything that was seen elsewhere meanwhile.
    """

    def __init__(self, sightings: QuerySet, cameras: Collection[str]) -> None:
        self._sightings = sightings
        self._cameras = cameras

    def filter(self, *conditions: Q, **lookups: object) -> "Merged":
        return Merged(self._sightings.filter(*conditions, **lookups), self._cameras)

    def order_by(self, *fields: str) -> "Merged":
        return Merged(self._sightings.order_by(*fields), self._cameras)

    def values_list(self, *fields: str) -> "Merged":
        return Merged(self._sightings.values_list(*fields), self._cameras)

    def __getitem__(self, page: slice) -> QuerySet:
        order = [name.replace("pk", "id") for name in self._sightings.query.order_by]
        # Of columns that an index holds, in its order.
        found = self._sightings.values_list("captured_at", "id").order_by(*order)
        walks = [found.filter(camera=one) for one in self._cameras]
        if connection.features.supports_slicing_ordering_in_compound:
            walks = [walk[: page.stop] for walk in walks]
        else:  # SQLite goes no further along any than it has to
            walks = [walk.order_by() for walk in walks]
        newest = walks[0].union(*walks[1:], all=True).order_by(*order)[page]
        return self._sightings.filter(pk__in=[pk for _captured_at, pk in newest])


def of_cameras(sightings: QuerySet, cameras: Collection[str]) -> QuerySet | Merged:
    """Those of these cameras."""
    return Merged(sightings, cameras) if 1 < len(cameras) <= MOST else sightings.filter(camera__in=cameras)

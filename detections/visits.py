"""What a person did, as people tell it: visits, not a row per frame, and the hours at which they are about."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay
from django.utils import timezone

from detections.models import Detection, FaceImage, Location, Track
from people.models import Person

# Somebody who is seen again at the same place within this time has not been away.
SAME_VISIT = timedelta(minutes=10)
# Read at once: one page of visits is made of these.
PASSAGES = 60
HOURS_SHOWN = timedelta(days=28)


@dataclass(frozen=True)
class Passage:
    """A track, or a detection that belongs to none."""

    detection: Detection
    started_at: datetime
    ended_at: datetime
    count: int
    probability: float
    is_corrected: bool


@dataclass
class Visit:
    """Passages at one place, newest first, with no long pause between."""

    location: Location
    passages: list[Passage] = field(default_factory=list)

    @property
    def started_at(self) -> datetime:
        return min(one.started_at for one in self.passages)

    @property
    def ended_at(self) -> datetime:
        return max(one.ended_at for one in self.passages)

    @property
    def count(self) -> int:
        return sum(one.count for one in self.passages)


def of(person: Person, before: datetime | None = None) -> tuple[list[Visit], datetime | None]:
    """The latest visits that began before that time, newest first; and where to go on, if there may be more."""
    passages = _passages(person, before)
    visits = _together(passages[:PASSAGES])
    if len(passages) <= PASSAGES:
        return visits, None
    # The last of them may go on in what was not read: it is shown next time, unless it is all there is.
    whole = visits[:-1] or visits
    return whole, whole[-1].started_at


def _passages(person: Person, before: datetime | None) -> list[Passage]:
    earlier = Q(captured_at__lt=before) if before else Q()
    # With the first detection of each track comes its place, its picture, and where it can be corrected.
    first = Detection.objects.filter(track=OuterRef("pk")).order_by("captured_at").values("pk")[:1]
    tracks = Track.objects.filter(earlier, person=person).annotate(first=Subquery(first))
    tracks = list(tracks.order_by("-captured_at", "-pk")[: PASSAGES + 1])
    firsts = _detections(Detection.objects.filter(pk__in=[track.first for track in tracks])).in_bulk()
    passages = [
        Passage(
            firsts[track.first],
            track.captured_at,  # not its first detection's: that comes later where the first crop showed no face
            track.ended_at,
            track.detection_count,
            track.probability,
            bool(track.corrected_at),
        )
        for track in tracks
        if track.first in firsts
    ]
    alone = _detections(Detection.objects.filter(earlier, person=person, track=None))
    if len(tracks) > PASSAGES:
        alone = alone.filter(captured_at__gte=tracks[-1].captured_at)
    passages += [
        Passage(one, one.captured_at, one.captured_at, 1, one.probability, bool(one.corrected_at))
        for one in alone.order_by("-captured_at", "-pk")[: PASSAGES + 1]
    ]
    return sorted(passages, key=lambda one: one.started_at, reverse=True)[: PASSAGES + 1]


def _detections(chosen: QuerySet[Detection]) -> QuerySet[Detection]:
    return chosen.select_related("camera__location").defer("box", "frame_box").annotate(has_face=FaceImage.kept("pk"))


def _together(passages: Iterable[Passage]) -> list[Visit]:
    visits: list[Visit] = []
    for one in passages:
        location = one.detection.camera.location
        last = visits[-1] if visits else None
        if last is None or last.location != location or last.passages[-1].started_at - one.ended_at > SAME_VISIT:
            last = Visit(location)
            visits.append(last)
        last.passages.append(one)
    return visits


@dataclass(frozen=True)
class Hour:
    """How often somebody was seen in an hour of a day of the week; `level`: 0 (never) to 4 (most often)."""

    hour: int
    count: int
    level: int


def hours(person: Person) -> list[tuple[int, list[Hour]]]:
    """Passages of the last four weeks by day of the week (1: Monday) and hour, in the viewer's zone."""
    since = timezone.now() - HOURS_SHOWN
    zone = timezone.get_current_timezone()
    counts: Counter[tuple[int, int]] = Counter()
    for rows in (
        Track.objects.filter(person=person, captured_at__gte=since),
        Detection.objects.filter(person=person, captured_at__gte=since, track=None),
    ):
        day, hour = ExtractIsoWeekDay("captured_at", tzinfo=zone), ExtractHour("captured_at", tzinfo=zone)
        grouped = rows.order_by().annotate(day=day, hour=hour).values_list("day", "hour").annotate(n=Count("pk"))
        for weekday, at, number in grouped:
            counts[weekday, at] += number
    most = max(counts.values(), default=0)
    return [
        (day, [Hour(hour, counts[day, hour], -(-4 * counts[day, hour] // most) if most else 0) for hour in range(24)])
        for day in range(1, 8)
    ]


@dataclass(frozen=True)
class Haunt:
    """A place of somebody, with how many of these visits were there."""

    location: Location
    count: int
    last: datetime


def haunts(visits: Sequence[Visit]) -> list[Haunt]:
    """The places of these visits, the most frequent first."""
    counts = Counter(visit.location for visit in visits)
    latest = {visit.location: visit.ended_at for visit in reversed(visits)}
    return [Haunt(location, count, latest[location]) for location, count in counts.most_common()]

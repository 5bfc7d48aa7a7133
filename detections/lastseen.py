"""Keeps one row per person: where they were last seen, by capture time, not by order of arrival.

A track lasts longer than its crops: once it is named, its node only tells that it goes on.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from detections.models import Detection, LastSeen, Track

# Tracks that began longer before somebody's newest detection are not looked through for one that went on after it.
LONGEST = timedelta(days=1)


def update(detections: Iterable[Detection]) -> None:
    """Move people's last-known location forward; an older detection that arrives late changes nothing.

    Detections come with their tracks. Call it in the transaction that locked the people: two batches that name the
    same person then come one after the other.
    """
    newest: dict[object, Detection] = {}
    for one in detections:
        if one.person_id and (one.person_id not in newest or _order(one) > _order(newest[one.person_id])):
            newest[one.person_id] = one
    if not newest:
        return
    known = dict(LastSeen.objects.filter(pk__in=newest).values_list("pk", "captured_at"))
    LastSeen.objects.bulk_create(
        (
            LastSeen(
                person_id=person_id,
                camera_id=one.camera_id,
                detection_id=one.pk,
                probability=one.probability,
                captured_at=_until(one),
            )
            for person_id, one in sorted(newest.items())
            if person_id not in known or known[person_id] < _until(one)
        ),
        update_conflicts=True,
        unique_fields=("person",),
        update_fields=("camera", "detection", "probability", "captured_at"),
    )


def reconsider(people: Collection[object]) -> None:
    """Find out anew where these people (primary keys) were last seen: a detection turned out to be somebody else."""
    LastSeen.objects.filter(person__in=people).delete()
    for person in people:
        mine = Detection.objects.filter(person=person).select_related("track")
        if newest := mine.first():
            at = newest.captured_at
            lasting = Track.objects.filter(person=person, captured_at__gte=at - LONGEST, ended_at__gt=at)
            update([newest, *mine.filter(track__in=lasting)])


def _until(one: Detection) -> datetime:
    """When whoever it shows was last seen there."""
    return max(one.captured_at, one.track.ended_at) if one.track else one.captured_at


def _order(one: Detection) -> tuple[datetime, datetime]:
    return _until(one), one.captured_at

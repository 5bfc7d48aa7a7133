"""Keeps one row per person: where they were last seen, by capture time, not by order of arrival."""

from collections.abc import Collection, Iterable

from detections.models import Detection, LastSeen


def update(detections: Iterable[Detection]) -> None:
    """Move people's last-known location forward; an older detection that arrives late changes nothing.

    Call it in the transaction that locked the people: two batches that name the same person then come one after the
    other.
    """
    newest: dict[object, Detection] = {}
    for one in detections:
        if one.person_id and (one.person_id not in newest or one.captured_at > newest[one.person_id].captured_at):
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
                captured_at=one.captured_at,
            )
            for person_id, one in sorted(newest.items())
            if person_id not in known or known[person_id] < one.captured_at
        ),
        update_conflicts=True,
        unique_fields=("person",),
        update_fields=("camera", "detection", "probability", "captured_at"),
    )


def reconsider(people: Collection[object]) -> None:
    """Find out anew where these people (primary keys) were last seen: a detection turned out to be somebody else."""
    LastSeen.objects.filter(person__in=people).delete()
    for person in people:
        update(Detection.objects.filter(person=person)[:1])

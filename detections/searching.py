"""Writes down who looked for whom, before they get their answer."""

from collections.abc import Collection
from contextlib import suppress

from django.db import IntegrityError

from access.audit import Principal, name_of
from detections.models import Search
from people.models import Person

ATTEMPTS_AGAINST_ERASURE = 3


def note(actor: Principal, means: Search.Means, people: Collection[object] = (), faces: int | None = None) -> None:
    """One row per person (primary key) that the answer names; one without a person if it names nobody in particular.

    Raises:
        IntegrityError: the people keep being erased meanwhile.
    """
    for _ in range(ATTEMPTS_AGAINST_ERASURE - 1):
        with suppress(IntegrityError):
            return _write(actor, means, people, faces)
        people = list(Person.objects.filter(pk__in=people).values_list("pk", flat=True))
    return _write(actor, means, people, faces)


def note_face_id(actor: Principal, face_id: str | None) -> None:
    """Note that the sightings of one person were asked for, if that is what a list is filtered by."""
    if face_id := (face_id or "").strip():  # as the filter does
        note(actor, Search.Means.SIGHTINGS, Person.objects.named(face_id).values_list("pk", flat=True))


def _write(actor: Principal, means: Search.Means, people: Collection[object], faces: int | None) -> None:
    who = name_of(actor)
    rows = [Search(actor=who, means=means, person_id=one, faces=faces) for one in people or (None,)]
    if len(rows) == 1:
        rows[0].save(force_insert=True)  # one round trip; with a transaction around it, three
    else:
        Search.objects.bulk_create(rows)

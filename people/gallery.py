"""Reads the vectors of everyone who may be recognised."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

import numpy as np

from people.models import Embedding, Person
from recognition.engine.faces import Vectors
from recognition.engine.packs import Pack


class Enrolled(NamedTuple):
    """Vectors (N, D) of one pack, and of each the label and the photo."""

    vectors: Vectors
    labels: list[str]
    photos: list[UUID]


def read(pack: Pack, *, excluding: Collection[Person] = ()) -> Enrolled:
    """The pack's vectors of everyone lawful, without the people in `excluding`."""
    rows = (
        Embedding.objects.filter(pack_id=pack.id, photo__refusal="", photo__person__in=Person.objects.lawful())
        .exclude(photo__person__in=excluding)
        # One order for equal content: equal galleries make equal artifacts.
        .order_by("photo__person_id", "photo__sha256")
        .values_list("photo__person_id", "photo_id", "vector")
    )
    people, photos, vectors = zip(*rows, strict=True) if rows else ((), (), ())
    values = np.frombuffer(b"".join(vectors), "<f4").reshape(-1, pack.dimension)
    return Enrolled(values, [str(person) for person in people], list(photos))

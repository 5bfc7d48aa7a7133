"""Who resembles whom: people whom the model may take for each other, and faces that were taken for somebody."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.db.models import Q

from people.models import Lookalike, Person
from recognition.engine.classifier import LinearClassifier
from recognition.engine.errors import PackError
from recognition.engine.faces import Vectors
from recognition.engine.images import decode
from recognition.engine.packs import Pack
from recognition.loader import ModelUnavailableError, loader

SHOWN = 6


@dataclass(frozen=True)
class Resemblance:
    """Another person, and the cosine between the two in the model in service; none: it is an SVM."""

    person: Person
    similarity: float | None


def nearest(person: Person, count: int = SHOWN) -> list[Resemblance]:
    """Who resembles this person most in the model in service; nobody if it does not know them, or is an SVM."""
    try:
        classifier = loader.current().classifier
    except (PackError, ModelUnavailableError):
        return []
    if classifier.kind != "gallery" or person.label not in classifier.labels:
        return []
    own = classifier.labels.index(person.label)
    return _ranked(classifier, classifier.weights[own], count, but=own)


def resembling(vector: np.ndarray, count: int = SHOWN) -> list[Resemblance]:
    """Who resembles this face most."""
    classifier = loader.current().classifier
    return _ranked(classifier, vector, count) if classifier.labels else []


def _ranked(classifier: LinearClassifier, vector: np.ndarray, count: int, but: int | None = None) -> list[Resemblance]:
    similarities = classifier.similarities(vector[None])[0]
    if but is not None:
        similarities[but] = -np.inf
    best = np.argsort(-similarities)[: count + 1 if but is not None else count]
    people = Person.objects.lawful().in_bulk([classifier.labels[index] for index in best if index != but])
    by_label = {person.label: person for person in people.values()}
    is_cosine = classifier.kind == "gallery"
    found = [
        (by_label.get(classifier.labels[index]), float(similarities[index]) if is_cosine else None)
        for index in best
        if index != but
    ]
    return [Resemblance(person, similarity) for person, similarity in found[:count] if person]


def vector_of(jpeg: bytes) -> tuple[str, bytes] | None:
    """Pack and vector of the largest face of a picture that was cut around one; None if none is found.

    Raises:
        ImageError, PackError, ModelUnavailableError: it cannot be read; there is no engine, or no model to load.
    """
    engine = loader.current().pipeline
    faces = engine.analyse([decode(jpeg, max_pixels=settings.MAX_IMAGE_PIXELS)], crops=True)[0]
    return (engine.pack_id, faces[0].vector.astype("<f4").tobytes()) if faces else None


def record(person: Person, pack_id: str, vector: bytes, *, shown: Person | None, seen_in: str = "") -> None:
    """Remember, for the next training, that this face is not the person's. seen_in: what `revise` knows it by."""
    Lookalike.objects.create(person=person, shown=shown, seen_in=seen_in, pack_id=pack_id, vector=vector)


def revise(seen_in: str, shown: Person | None) -> None:
    """The faces seen there are of `shown` after all, and so not what the next training moves that person away from."""
    rows = Lookalike.objects.filter(seen_in=seen_in)
    if shown:
        rows.filter(person=shown).delete()
    rows.update(shown=shown)


def read(pack: Pack, *, excluding: Collection[Person] = ()) -> tuple[Vectors, list[str]]:
    """Vectors (N, D) of the pack, and of each the label of the person that it is not."""
    rows = (
        Lookalike.objects.filter(pack_id=pack.id, person__in=Person.objects.lawful())
        # Not excluded by `shown`: rows of unknown people have none, and SQL would drop them.
        .exclude(Q(person__in=excluding) | Q(shown__isnull=False, shown__in=excluding))
        # Nobody is trained with the face of somebody who may not be.
        .exclude(shown__isnull=False, shown__in=Person.objects.unlawful())
        .order_by("person_id", "pk")
        .values_list("person_id", "vector")
    )
    people, vectors = zip(*rows, strict=True) if rows else ((), ())
    return np.frombuffer(b"".join(vectors), "<f4").reshape(-1, pack.dimension), [str(person) for person in people]

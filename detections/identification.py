"""Answers at once who is in an image, and keeps nothing. Requests that come together are looked at together."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from django.conf import settings

from people.models import Person
from recognition.batching import Batcher
from recognition.engine.errors import ImageError
from recognition.engine.faces import EmbeddedFace, Identity, Image
from recognition.engine.images import decode, inspect
from recognition.loader import Serving, loader
from recognition.metrics import BATCH_IMAGES

# Beyond this a batch saves nothing, and whoever sent a small image would wait for a large one.
BATCH_PIXELS = 4_000_000
# The threads that are left turn away whoever finds no place, and serve everything else.
PLACES = max(1, settings.WEB_THREADS * 3 // 4)


@dataclass(frozen=True)
class IdentifiedFace:
    """A face, and the face id of the person it belongs to (None: unknown)."""

    face_id: str | None
    identity: Identity
    found: EmbeddedFace


@dataclass(frozen=True)
class Identification:
    """All faces of an image, largest first, and the model that named them (None: nothing is trained yet)."""

    width: int
    height: int
    model_id: int | None
    faces: list[IdentifiedFace]


@dataclass(frozen=True)
class _Question:
    image: bytes
    serving: Serving


@dataclass(frozen=True)
class _Answer:
    width: int
    height: int
    faces: list[tuple[EmbeddedFace, Identity]]


def identify(data: bytes) -> Identification:
    """Find and name the faces of an image. Hold a place of `batcher` meanwhile.

    Raises:
        ImageError: it cannot be read; the text says why.
    """
    info = inspect(data)
    serving = loader.current()
    answer = batcher.submit(_Question(data, serving), cost=info.width * info.height)
    labels = {identity.label for _, identity in answer.faces if identity.label}
    face_ids = _face_ids(labels) if labels else {}
    return Identification(
        width=answer.width,
        height=answer.height,
        model_id=serving.model_id,
        faces=[IdentifiedFace(face_ids.get(identity.label or ""), identity, face) for face, identity in answer.faces],
    )


def _face_ids(labels: set[str]) -> dict[str, str]:
    """Of those who may be named today."""
    return {str(person.pk): person.face_id for person in Person.objects.filter(pk__in=labels) if person.is_lawful}


def _answer_all(questions: Sequence[_Question]) -> list[_Answer | Exception]:
    """What became of each image: one that fails costs the others nothing."""
    BATCH_IMAGES.labels("question").observe(len(questions))
    # Decoded here, a batch at a time: those who wait hold no pixels.
    pictures = [_decoded(question.image) for question in questions]
    readable = [
        (question.serving, picture)
        for question, picture in zip(questions, pictures, strict=True)
        if not isinstance(picture, ImageError)
    ]
    answers = (
        answer
        for serving, group in groupby(readable, key=lambda one: one[0])
        for answer in _look(serving, [picture for _, picture in group])
    )
    return [picture if isinstance(picture, ImageError) else next(answers) for picture in pictures]


def _decoded(data: bytes) -> Image | ImageError:
    try:
        return decode(data, max_pixels=settings.MAX_IMAGE_PIXELS)
    except ImageError as error:
        return error


def _look(serving: Serving, images: Sequence[Image]) -> list[_Answer | Exception]:
    try:
        found = serving.pipeline.analyse(images)
        vectors = [face.vector for faces in found for face in faces]
        identities = iter(serving.classifier.identify(np.stack(vectors)) if vectors else ())
        return [
            _Answer(image.shape[1], image.shape[0], [(face, next(identities)) for face in faces])
            for image, faces in zip(images, found, strict=True)
        ]
    except Exception as error:  # noqa: BLE001 - whatever one image provokes must not cost its neighbours their answer
        if len(images) == 1:
            return [error]
        return [answer for image in images for answer in _look(serving, [image])]


batcher = Batcher(_answer_all, budget=BATCH_PIXELS, places=PLACES, max_wait_s=settings.MAX_WAIT_SECONDS)

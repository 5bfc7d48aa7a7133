"""Answers at once who is in an image, and keeps nothing."""

from dataclasses import dataclass

import numpy as np
from django.conf import settings

from people.models import Person
from recognition.engine.faces import EmbeddedFace, Identity
from recognition.engine.images import decode
from recognition.loader import loader, pipeline


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


def identify(data: bytes) -> Identification:
    """Find and name the faces of an image.

    Raises:
        ImageError: it cannot be read; the text says why.
    """
    image = decode(data, max_pixels=settings.MAX_IMAGE_PIXELS)
    (found,) = pipeline().analyse([image])
    serving = loader.current()
    vectors = np.stack([face.vector for face in found]) if found else np.empty((0, pipeline().dimension), np.float32)
    identities = serving.classifier.identify(vectors)
    labels = [identity.label for identity in identities if identity.label]
    names = dict(Person.objects.lawful().filter(pk__in=labels).values_list("pk", "face_id"))
    names = {str(pk): face_id for pk, face_id in names.items()}
    return Identification(
        width=image.shape[1],
        height=image.shape[0],
        model_id=serving.model_id,
        faces=[
            IdentifiedFace(names.get(identity.label or ""), identity, face)
            for identity, face in zip(identities, found, strict=True)
        ],
    )

"""Tells, while a photo is enrolled, that it may show somebody who is enrolled under another face id."""

import numpy as np

from access import audit
from people.models import Person, Photo
from recognition.engine.errors import PackError
from recognition.loader import ModelUnavailableError, loader


def looks_like(photo: Photo, by: audit.Principal = None) -> Person | None:
    """Somebody else whom the model in service would call the face of this accepted photo; noted, as any comparison is.

    It does not know those enrolled since it was trained: the next training compares everybody with everybody.
    """
    try:
        serving = loader.current()
    except (ModelUnavailableError, PackError):
        return None
    embedding = photo.embeddings.filter(pack_id=serving.pipeline.pack_id).first()
    if embedding is None:
        return None
    (identity,) = serving.classifier.identify(np.frombuffer(embedding.vector, "<f4")[None])
    if identity.label in {None, photo.person.label}:
        return None
    other = Person.objects.lawful().filter(pk=identity.label).first()
    if other:
        audit.note(by, "compare with photo", "person", [other.label])
    return other

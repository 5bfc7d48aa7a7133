"""Enrols everybody in the database at hand on made-up vectors, and trains a model of them."""

from datetime import timedelta

import numpy as np
from django.utils import timezone

from detections.models import Detection
from people.models import Embedding, Person, Photo
from people.training import train
from recognition.engine.embedder import unit
from recognition.loader import pipeline
from recognition.models import TrainedModel

PHOTOS_EACH = 3
SPREAD = 0.5  # of a person's photos about their mean
SEEN = 10_000  # newest detections, which are this model's: what its page looks at
_BATCH = 5000


def enrol() -> None:
    people = Person.objects.values_list("pk", flat=True)
    photos = [
        Photo(person_id=person, sha256=f"{person.hex}{number:032x}", file=f"photos/{person}/{number}.jpg", face_px=150,
              sharpness=60, brightness=120, frontality=0.9, confidence=0.999, explanation="Accepted.")
        for person in people for number in range(PHOTOS_EACH)
    ]  # fmt: skip
    Photo.objects.bulk_create(photos, batch_size=_BATCH)
    engine, random = pipeline(), np.random.default_rng(0)
    means = random.standard_normal((len(people), engine.pack.dimension))
    vectors = np.repeat(means, PHOTOS_EACH, axis=0)
    vectors += SPREAD * random.standard_normal(vectors.shape)
    Embedding.objects.bulk_create(
        (
            Embedding(photo=photo, pack_id=engine.pack_id, vector=vector.tobytes())
            for photo, vector in zip(photos, unit(vectors.astype("<f4")), strict=True)
        ),
        batch_size=_BATCH,
    )


def serve() -> None:
    """Train, and let the newest detections be of a model that has served for a week."""
    trained = train()
    TrainedModel.objects.update(created_at=timezone.now() - timedelta(days=7))
    newest = Detection.objects.order_by("-captured_at").values("pk")[:SEEN]
    Detection.objects.filter(pk__in=list(newest.values_list("pk", flat=True))).update(model=trained)

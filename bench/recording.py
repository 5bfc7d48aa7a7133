"""How fast crops get from the inbox into a database with a history: everything but the networks, in one process."""

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from types import SimpleNamespace

import cv2
import numpy as np
from django.contrib.auth.models import User
from django.utils import timezone

from bench.history import CAMERAS, TRACK
from detections import processing
from detections.ingest import Submission, accept, cameras_of
from people.models import Person
from recognition.engine.embedder import unit
from recognition.engine.faces import EmbeddedFace, Face, Identity, Image, Quality, Vectors
from recognition.loader import Serving

DIMENSION = 128
UNKNOWN = 0.33  # of tracks
BUNDLE = 32  # crops in a request of an edge node that has many
_SIDE = 128


@dataclass(frozen=True)
class _Nearest:
    """Names whoever's direction a vector has."""

    labels: Sequence[str]
    directions: Vectors

    def identify(self, vectors: Vectors, counts: object = None) -> list[Identity]:
        likeness = unit(vectors) @ self.directions.T
        best = likeness.argmax(axis=1)
        return [
            Identity(self.labels[at] if score > 0.5 else None, float(min(1, max(0, score))), float(score), None)
            for at, score in zip(best, likeness[np.arange(len(best)), best], strict=True)
        ]


class _Standing:
    """In place of the loader, and of the networks: the first pixel of a picture tells whom it shows."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._everyone = unit(np.random.default_rng(0).standard_normal((len(labels), DIMENSION), np.float32))
        self._nobody = unit(np.random.default_rng(1).standard_normal((len(labels), DIMENSION), np.float32))
        engine = SimpleNamespace(pack_id="bench", analyse=self._analyse)
        self._serving = Serving(0, None, engine, _Nearest(labels, self._everyone))

    def current(self) -> Serving:
        return self._serving

    def _analyse(self, images: Sequence[Image], *, crops: bool) -> list[list[EmbeddedFace]]:
        return [[self._face(image[0, 0].tolist())] for image in images]

    def _face(self, pixel: tuple[int, int, int]) -> EmbeddedFace:
        red, green, blue = pixel
        number = red * 256 + green
        face = Face((24, 20, 104, 116), ((64, 64),) * 5, 0.99)
        return EmbeddedFace(face, Quality(80, 100, 0.5, 1), (self._nobody if blue else self._everyone)[number])


def rate(crops: int) -> float:
    """Crops a second that one process records, of tracks of four; accepting them is not timed."""
    labels = [str(pk) for pk in Person.objects.order_by("face_id").values_list("pk", flat=True)]
    cameras = cameras_of(User.objects.get(username="reader")).in_bulk()
    made = list(_crops(crops, len(labels)))
    for first in range(0, crops, BUNDLE):
        accept(made[first : first + BUNDLE], cameras)
    processing.loader, real = _Standing(labels), processing.loader
    try:
        processing.process_batch()
        started, done = time.perf_counter(), 0
        while count := processing.process_batch():
            done += count
        return done / (time.perf_counter() - started)
    finally:
        processing.loader = real


def _crops(count: int, people: int) -> Iterator[Submission]:
    random = Random(0)
    ground = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8), (_SIDE, _SIDE))
    for number in range(0, count, TRACK):
        person, is_unknown = int(random.random() ** 3 * people), random.random() < UNKNOWN
        ground[0, 0] = (int(is_unknown), person % 256, person // 256)  # blue, green, red
        one = Submission(
            id=uuid.uuid4(),
            camera=f"camera-{random.randrange(CAMERAS)}",
            captured_at=timezone.now(),
            image=cv2.imencode(".png", ground, (cv2.IMWRITE_PNG_COMPRESSION, 1))[1].tobytes(),
            track=f"bench-{uuid.uuid4()}",
            metadata={"box": [412, 96, 498, 205], "frame_size": [1920, 1080], "confidence": 0.99},
        )
        yield from (replace(one, id=uuid.uuid4()) for _ in range(min(TRACK, count - number)))

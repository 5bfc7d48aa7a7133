"""Detections and last-known locations, written down as recognition would."""

import uuid
from datetime import timedelta

from django.http import HttpResponse
from django.utils import timezone

from detections import lastseen
from detections.models import Detection, FaceImage
from people.models import Person
from recognition.models import ActiveModel, TrainedModel
from tests.fabricated import make_camera

JPEG = b"\xff\xd8\xff\xe0 a face \xff\xd9"


def detect(
    person: Person | None = None,
    ago: timedelta = timedelta(0),
    camera: str = "gate",
    probability: float = 0.9,
    jpeg: bytes = b"",
) -> Detection:
    """One detection that long ago; a person's last-known location follows it."""
    detection = Detection.objects.create(
        id=uuid.uuid4(),
        crop_id=uuid.uuid4(),
        face_index=0,
        camera=make_camera(camera),
        person=person,
        probability=probability,
        score=0.5,
        confidence=0.99,
        box=[10, 10, 60, 70],
        captured_at=timezone.now() - ago,
    )
    if jpeg:
        FaceImage.objects.create(detection=detection, jpeg=jpeg)
    lastseen.update([detection])
    return detection


def put_in_service(people: int = 1, vectors: int = 0) -> TrainedModel:
    trained = TrainedModel.objects.create(
        sha256=uuid.uuid4().hex * 2,
        pack_id="pack",
        classifier="gallery",
        threshold=0.5,
        false_alarm_rate=0.001,
        people_count=people,
        vector_count=vectors,
        size=1,
    )
    ActiveModel.objects.update_or_create(
        pk=ActiveModel.SINGLETON, defaults={"model": trained, "generation": trained.pk}
    )
    return trained


def text(response: HttpResponse) -> str:
    """What a page says, white space made even."""
    return " ".join(response.content.decode().split())

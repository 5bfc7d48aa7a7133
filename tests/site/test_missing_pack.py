"""Without its pack an installation says so, and loses nothing."""

import uuid
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from detections import tasks
from detections.models import Camera, Crop, Location
from facesite.demo_video import enrolment_photos
from recognition.models import Job
from tests.fabricated import fresh_loader

__all__ = ["fresh_loader"]


@pytest.fixture(autouse=True)
def _no_pack(settings: LazySettings, tmp_path: Path) -> None:
    settings.PACKS_DIR = tmp_path


@pytest.mark.django_db
def test_the_api_answers_503_and_says_how_to_build_it(operator: APIClient) -> None:
    photo = SimpleUploadedFile("photo.jpg", enrolment_photos()[0])
    answer = operator.post("/api/v1/face-recognition/get-results", {"image": photo}, format="multipart")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert answer.json()["type"] == "pack-unavailable"
    assert "python manage.py packs build" in answer.json()["detail"]


@pytest.mark.django_db
def test_it_is_alive_but_not_ready(client: Client) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


@pytest.mark.django_db
def test_crops_wait_in_the_inbox_with_all_their_attempts() -> None:
    camera = Camera.objects.create(id="gate", name="Gate", location=Location.objects.create(name="Gate"))
    job = Job.objects.create(kind=Job.Kind.RECOGNISE, total=1)
    image = enrolment_photos()[0]
    crop = Crop.objects.create(
        id=uuid.uuid4(), job=job, camera=camera, sha256="", image=image, captured_at=timezone.now()
    )
    tasks.process_inbox()
    crop.refresh_from_db()
    assert (crop.state, crop.attempts, bytes(crop.image)) == (Crop.State.PENDING, 0, image)

"""Search by photo: who is in it, where they were, and nothing of it kept."""

import re
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from detections.models import Search, Track, TrackEvidence
from people.models import Person
from people.training import train
from recognition.loader import pipeline
from tests.fabricated import Eyes, direction, enrol, make_camera
from tests.web.sightings import detect, text

PAGE = "/detections/photo/"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pack", "fresh_loader")]


def search(client: Client, data: bytes) -> HttpResponse:
    return client.post(PAGE, {"image": SimpleUploadedFile("p.png", data)})


@pytest.fixture
def trained(storage: Path) -> None:
    for seed, name in enumerate(("ada", "grace", "joan"), start=1):
        enrol(name, seed)
    train()


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_people_in_the_photo_come_with_where_they_were(
    operator: Client, eyes: Eyes, trained: None, storage: Path
) -> None:
    detect(Person.objects.get(face_id="ada"), camera="lab")
    before = files(storage)
    page = text(search(operator, eyes.picture_of(1, 9)))
    assert "2 faces" in page
    known, unknown = page.split('class="card finding"')[1:]
    assert ">ada</a></h3>" in known
    assert "Place of lab" in known
    assert "Unknown" in unknown
    assert "Most alike" in unknown
    assert "data:image/jpeg;base64," in known
    assert files(storage) == before
    rows = Search.objects.filter(means="photo").values_list("person__face_id", "faces")
    assert set(rows) == {(name, 2) for name in ("ada", "grace", "joan")}


def test_an_unknown_track_of_the_last_minutes_is_found(operator: Client, eyes: Eyes, trained: None) -> None:
    now = timezone.now()
    for seed in (9, 10):
        track = Track.objects.create(
            camera=make_camera(f"camera-{seed}"), key="t", detection_count=2, captured_at=now, ended_at=now
        )
        vector = np.asarray(3 * direction(seed), "<f4").tobytes()
        TrackEvidence.objects.create(track=track, pack_id=pipeline().pack_id, vector=vector, crop_count=3)
    page = text(search(operator, eyes.picture_of(9)))
    assert "Place of camera-9" in page
    assert "Place of camera-10" not in page


@pytest.mark.parametrize("people", [0, 12])
def test_strangers_are_not_found_where_the_model_compares_otherwise_or_with_nobody(
    operator: Client, eyes: Eyes, storage: Path, settings: object, people: int
) -> None:
    settings.CLASSIFIER = "linear-svm"
    for seed in range(1, people + 1):
        enrol(f"person {seed}", seed, 3)
    train()
    now = timezone.now()
    for seed in (9000, 9001, 10001):
        track = Track.objects.create(
            camera=make_camera(f"camera-{seed}"), key="t", detection_count=2, captured_at=now, ended_at=now
        )
        vector = np.asarray(3 * direction(seed), "<f4").tobytes()
        TrackEvidence.objects.create(track=track, pack_id=pipeline().pack_id, vector=vector, crop_count=3)
    page = text(search(operator, eyes.picture_of(9000)))
    assert re.findall(r"Place of (camera-\d+)", page) == ["camera-9000"]
    alike = page[page.index("Most alike") : page.index("Unknown people")]
    assert ("person" in alike, re.findall(r'class="number', alike)) == (bool(people), [])


def test_a_photo_without_a_face_says_so(operator: Client, eyes: Eyes, trained: None) -> None:
    assert "No face found" in text(search(operator, eyes.picture()))


@pytest.mark.parametrize("data", [b"", b"no picture", b"GIF89a" + bytes(50)])
def test_what_is_no_photo_is_refused(operator: Client, data: bytes) -> None:
    answer = search(operator, data)
    assert answer.status_code == 400
    assert 'role="alert"' in text(answer)
    assert not Search.objects.exists()


def test_so_is_one_that_is_too_large_and_no_file_at_all(operator: Client, settings: object) -> None:
    settings.MAX_IMAGE_BYTES = 2**20
    assert "larger than 1 MiB" in text(search(operator, bytes(2**20 + 1)))
    assert operator.post(PAGE).status_code == 400


def test_a_viewer_neither_searches_nor_is_offered_to(viewer: Client) -> None:
    assert viewer.get(PAGE).status_code == 403
    assert PAGE not in text(viewer.get("/detections/"))

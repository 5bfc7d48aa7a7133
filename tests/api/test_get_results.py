"""`get-results`: who is in one image, answered at once; nothing is kept."""

from pathlib import Path

import pytest
from django.http import HttpResponse
from rest_framework.test import APIClient

from detections.api.asking import IdentificationSerializer
from detections.identification import batcher
from detections.models import Crop, Detection
from people import enrolment
from people.training import train
from recognition.loader import loader
from tests import photographs
from tests.fabricated import Eyes, enrol, make_person, plain_png
from tests.photographs import upload

pytestmark = pytest.mark.usefixtures("storage")


def ask(client: APIClient, data: bytes) -> HttpResponse:
    return client.post("/api/v1/face-recognition/get-results", upload(data), format="multipart")


def test_with_the_real_engine_the_known_face_is_named_and_the_other_is_not(operator: APIClient) -> None:
    enrolment.add_photo(make_person("astronaut"), photographs.portrait())
    model = train()
    body = ask(operator, photographs.montage()).json()
    assert (body["width"], body["height"], body["model"]) == (1024, 512, model.pk)
    left, right = sorted(body["faces"], key=lambda face: face["box"][0])
    assert left["face_id"] == "astronaut"
    assert left["probability"] > 0.5 > right["probability"]
    assert right["face_id"] is None
    documented = IdentificationSerializer()
    assert set(body) == set(documented.fields)
    for face in (left, right):
        assert set(face) == set(documented.fields["faces"].child.fields)
        x1, y1, x2, y2 = face["box"]
        assert 0 <= x1 < x2 <= 1024
        assert 0 <= y1 < y2 <= 512
        assert len(face["landmarks"]) == 5
        assert face["confidence"] > 0.9


def test_another_photo_of_an_enrolled_person_is_named(operator: APIClient) -> None:
    enrolment.add_photo(make_person("astronaut"), photographs.portrait())
    train()
    (face,) = ask(operator, photographs.second_portrait()).json()["faces"]
    assert face["face_id"] == "astronaut"


def test_before_the_first_training_everyone_is_unknown(operator: APIClient, eyes: Eyes) -> None:
    body = ask(operator, eyes.picture_of(1)).json()
    assert body["model"] is None
    assert [face["face_id"] for face in body["faces"]] == [None]


def test_an_image_without_a_face_has_no_faces(operator: APIClient) -> None:
    assert ask(operator, photographs.faceless()).json()["faces"] == []


def test_somebody_whose_legal_basis_expired_is_unknown(operator: APIClient, eyes: Eyes) -> None:
    person = enrol("ada", 1)
    train()
    person.legal_basis_expires = person.legal_basis_date
    person.save()
    assert ask(operator, eyes.picture_of(1)).json()["faces"][0]["face_id"] is None


def test_nothing_is_kept(operator: APIClient, storage: Path) -> None:
    ask(operator, photographs.montage())
    assert not Detection.objects.exists()
    assert not Crop.objects.exists()
    assert not storage.exists()


@pytest.mark.parametrize("data", [b"", b"hello", photographs.portrait()[:500], b"GIF89a" + bytes(50)])
def test_what_is_not_a_readable_image_is_a_422_that_says_why(operator: APIClient, data: bytes) -> None:
    answer = ask(operator, data)
    assert answer.status_code == 422
    assert answer.json()["type"] == "unreadable-image"
    assert answer.json()["detail"].endswith(".")


def test_an_image_above_the_limit_is_a_413(operator: APIClient, settings: object) -> None:
    settings.MAX_IMAGE_BYTES = 2**20
    answer = ask(operator, plain_png() + bytes(2**20))
    assert answer.status_code == 413
    assert "1 MiB" in answer.json()["detail"]


def test_a_picture_with_too_many_pixels_is_a_422(operator: APIClient, settings: object) -> None:
    settings.MAX_IMAGE_PIXELS = 1000
    assert ask(operator, plain_png()).status_code == 422


def test_when_too_many_wait_it_is_a_503_before_the_image_is_looked_at(
    operator: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batcher, "_places", 0)
    answer = ask(operator, b"not even looked at")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "1"
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "busy"


def test_a_model_that_cannot_be_loaded_is_a_503_not_a_wrong_answer(
    operator: APIClient, eyes: Eyes, storage: Path
) -> None:
    enrol("ada", 1)
    (storage / train().storage_name).write_bytes(b"")
    loader.__init__()
    answer = ask(operator, eyes.picture_of(1))
    assert answer.status_code == 503
    assert answer["Retry-After"]

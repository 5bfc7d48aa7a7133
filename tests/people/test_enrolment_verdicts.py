"""A photo offered for enrolment is accepted, or refused with the reason."""

import pytest
from rest_framework.test import APIClient

from people.models import Embedding, Photo
from tests import photographs
from tests.fabricated import make_person, plain_png
from tests.photographs import upload

URL = "/api/v1/dataset/ada/image"

pytestmark = pytest.mark.usefixtures("storage")


@pytest.fixture
def enrolling(operator: APIClient) -> APIClient:
    make_person("ada")
    return operator


def post(client: APIClient, data: bytes) -> object:
    return client.post(URL, upload(data), format="multipart")


def test_a_good_portrait_is_accepted_with_its_figures(enrolling: APIClient) -> None:
    answer = post(enrolling, photographs.portrait())
    assert answer.status_code == 201
    body = answer.json()
    assert body["accepted"] is True
    assert body["face_px"] > 60
    assert 0 < body["brightness"] < 1
    assert body["confidence"] > 0.9
    assert Embedding.objects.filter(photo=body["id"]).count() == 1


@pytest.mark.parametrize(
    ("data", "refusal", "words"),
    [
        (photographs.faceless, "no-face", "No face"),
        (photographs.montage, "several-faces", "2 faces"),
        (photographs.tiny, "too-small", "at least 48"),
        (photographs.blurred, "too-blurred", "sharper"),
        (lambda: b"", "unreadable", "empty"),
        (lambda: b"hello", "unreadable", "not an image"),
        (lambda: photographs.portrait()[:3000], "unreadable", "incomplete"),
        (lambda: b"GIF89a" + bytes(64), "unreadable", "JPEG"),
    ],
)
def test_a_bad_photo_is_refused_with_the_reason(enrolling: APIClient, data: object, refusal: str, words: str) -> None:
    answer = post(enrolling, data())
    assert answer.status_code == 422
    body = answer.json()
    assert (body["type"], body["refusal"]) == ("photo-refused", refusal)
    assert words in body["detail"]
    assert body["photo"]["accepted"] is False
    assert Photo.objects.get().refusal == refusal
    assert not Embedding.objects.exists()


@pytest.mark.corpus
def test_a_group_photo_is_refused(enrolling: APIClient, corpus: object) -> None:
    answer = post(enrolling, (corpus / "malformed" / "synth_exif_face_6.jpg").read_bytes())
    assert answer.json()["refusal"] == "several-faces"


def test_a_picture_with_too_many_pixels_is_refused_unread(enrolling: APIClient, settings: object) -> None:
    settings.MAX_IMAGE_PIXELS = 1000
    body = post(enrolling, plain_png()).json()
    assert body["refusal"] == "unreadable"
    assert "pixels" in body["detail"]


def test_a_file_above_the_limit_is_refused_unread(enrolling: APIClient, settings: object) -> None:
    settings.MAX_IMAGE_BYTES = 2**20
    body = post(enrolling, photographs.portrait() + bytes(2**20)).json()
    assert body["refusal"] == "unreadable"
    assert "1 MiB" in body["detail"]


def test_the_same_photo_twice_is_a_duplicate(enrolling: APIClient) -> None:
    post(enrolling, photographs.portrait())
    again = post(enrolling, photographs.portrait())
    assert again.status_code == 409
    assert again.json()["type"] == "duplicate-photo"
    assert Photo.objects.count() == 1


def test_two_people_may_have_the_same_photo(enrolling: APIClient) -> None:
    """Not a duplicate: whether they are the same person is for people to decide."""
    make_person("grace")
    post(enrolling, photographs.portrait())
    answer = enrolling.post("/api/v1/dataset/grace/image", upload(photographs.portrait()), format="multipart")
    assert answer.status_code == 201


def test_a_refused_photo_may_be_offered_again_and_leaves_one_row(enrolling: APIClient) -> None:
    for _ in range(2):
        assert post(enrolling, photographs.faceless()).status_code == 422
    assert Photo.objects.count() == 1


@pytest.mark.parametrize("body", [{}, {"photo": "x"}, {"image": "just text"}])
def test_a_request_without_a_file_says_so(enrolling: APIClient, body: dict) -> None:
    answer = enrolling.post(URL, body, format="multipart")
    assert answer.status_code == 400
    assert answer.json()["errors"]["image"]


def test_a_photo_of_nobody_is_a_404(operator: APIClient) -> None:
    assert operator.post(URL, upload(plain_png()), format="multipart").status_code == 404

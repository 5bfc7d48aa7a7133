"""Limits that hold before work is done: body size, crops per request, length of the inbox."""

import io

import pytest
from rest_framework.test import APIClient

from detections.models import Crop
from tests.fabricated import make_camera
from tests.ingest.posting import ROOT, crop, post


@pytest.fixture
def client(operator: APIClient) -> APIClient:
    make_camera()
    return operator


class Unreadable(io.RawIOBase):
    """A request body that must not be read."""

    def read(self, *_: object) -> bytes:
        raise AssertionError("the body was read")


@pytest.mark.parametrize("path", [f"{ROOT}/store-results", f"{ROOT}/get-results", "/api/v1/dataset/a/image", "/api/x"])
def test_a_body_of_50_megabytes_is_refused_before_it_is_read(client: APIClient, path: str) -> None:
    answer = client.generic(
        "POST",
        path,
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(50 * 2**20),
        **{"wsgi.input": Unreadable()},
    )
    assert answer.status_code == 413
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "too-large"


@pytest.mark.parametrize(
    ("path", "kind"), [(f"{ROOT}/get-results", "application/problem+json"), ("/login/", "text/html")]
)
def test_a_body_in_chunks_states_no_length_and_is_refused_unread(client: APIClient, path: str, kind: str) -> None:
    headers = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": Unreadable()}
    answer = client.generic("POST", path, content_type="multipart/form-data; boundary=x", **headers)
    assert answer.status_code == 411
    assert answer["Content-Type"].startswith(kind)
    assert "Content-Length" in answer.content.decode()


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 30, "0x10"])
def test_a_length_that_is_none_is_refused(client: APIClient, length: str) -> None:
    answer = client.generic(
        "POST", f"{ROOT}/get-results", content_type="image/jpeg", CONTENT_LENGTH=length, **{"wsgi.input": Unreadable()}
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("count", [0, 33])
def test_a_request_holds_one_to_32_crops(client: APIClient, count: int) -> None:
    answer = post(client, [crop() for _ in range(count)])
    assert answer.status_code == 400
    assert "1 to 32" in answer.json()["detail"]
    assert not Crop.objects.exists()


def test_32_crops_are_accepted(client: APIClient) -> None:
    assert len(post(client, [crop() for _ in range(32)]).json()["accepted"]) == 32


def test_a_full_inbox_asks_to_come_back_later(client: APIClient, settings: object) -> None:
    settings.MAX_INBOX = 2
    post(client, [crop() for _ in range(3)])
    answer = post(client, [crop()])
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert answer.json()["type"] == "inbox-full"
    assert Crop.objects.count() == 3


def test_a_full_inbox_is_told_before_the_body_is_looked_at(client: APIClient, settings: object) -> None:
    settings.MAX_INBOX = 0
    post(client, [crop()])
    answer = client.generic("POST", f"{ROOT}/store-results", b"no form", content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 503


def test_a_body_that_was_not_looked_at_is_taken_all_the_same(client: APIClient, settings: object) -> None:
    """Its sender would be cut off, and never get to know when to come back."""
    settings.MAX_INBOX = 0
    post(client, [crop()])
    body = io.BytesIO(bytes(100_000))
    form = {"content_type": "multipart/form-data; boundary=x", "CONTENT_LENGTH": "100000", "wsgi.input": body}
    assert client.generic("POST", f"{ROOT}/store-results", **form).status_code == 503
    assert body.tell() == 100_000


def test_work_that_is_done_makes_room(client: APIClient, settings: object) -> None:
    settings.MAX_INBOX = 2
    post(client, [crop() for _ in range(3)])
    Crop.objects.update(state=Crop.State.DONE)
    assert post(client, [crop()]).status_code == 202


def test_metadata_above_a_megabyte_is_refused_as_a_problem(client: APIClient) -> None:
    answer = post(client, [crop(track="x" * 2**21)])
    assert answer.status_code == 413
    assert answer.json()["type"] == "too-large"


def test_too_many_fields_or_files_are_refused_as_a_problem(client: APIClient) -> None:
    fields = {f"field{number}": "x" for number in range(1500)}
    answer = client.post(f"{ROOT}/store-results", fields, format="multipart")
    assert answer.status_code == 400
    assert answer.json()["detail"]

"""Whatever comes in where crops are expected: an answer that says what is wrong, never a server error."""

import json
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from detections.models import Crop
from detections.processing import process_batch
from tests.fabricated import Eyes, make_camera, plain_png
from tests.ingest.posting import ROOT, crop, post

MANY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from([10**400, -1, "nan"])
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner))
FIELDS = ("id", "camera", "captured_at", "track", "box", "frame_size", "confidence")


@pytest.fixture
def client(operator: APIClient) -> APIClient:
    make_camera()
    return operator


def send(client: APIClient, metadata: object, **parts: object) -> HttpResponse:
    return client.post(f"{ROOT}/store-results", {"metadata": metadata, **parts}, format="multipart")


@MANY
@given(field=st.sampled_from(FIELDS), value=JSON)
@example("box", [float("nan")] * 4)
@example("box", [10**400] * 4)
@example("box", {"0": 1})
@example("confidence", float("inf"))
@example("confidence", "nan")
@example("frame_size", [10**30, 1])
@example("id", "\ud800")
@example("id", -5)
@example("camera", "gate\x00")
@example("track", "\ud800")
@example("track", "a\x00b")
@example("captured_at", "0001-01-01T00:00:00+23:59")
@example("captured_at", "9999-12-31T23:59:59-23:59")
@example("captured_at", "2026-03-01")
def test_one_spoiled_field_is_a_202_or_a_400(client: APIClient, field: str, value: object) -> None:
    sent = crop() | {field: value}
    answer = post(client, [sent], {} if field == "id" else None)
    assert answer.status_code in {202, 400}
    if answer.status_code == 400:
        (rejected,) = answer.json()["rejected"]
        assert rejected["detail"]
        assert "ErrorDetail" not in rejected["detail"]


@MANY
@given(JSON)
@example({"crops": [[]]})
@example({"crops": {}})
@example({"crops": [None]})
def test_any_json_in_place_of_the_metadata_is_a_400(client: APIClient, value: object) -> None:
    answer = send(client, json.dumps(value))
    assert answer.status_code == 400
    assert answer.json()["detail"]


@MANY
@given(st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.binary(max_size=30)))
@example("[" * 100_000)
@example('{"crops": ' + "9" * 5000 + "}")
def test_what_is_no_json_is_a_400(client: APIClient, value: object) -> None:
    part = SimpleUploadedFile("metadata", value) if isinstance(value, bytes) else value
    assert send(client, part).status_code == 400


def test_whatever_was_accepted_can_also_be_processed(client: APIClient, eyes: Eyes) -> None:
    odd = [
        crop(box=[9, 9, 1, 1], frame_size=[1, 1], confidence=0),
        crop(box=["1", 2.5, -3, 1e6], track=" "),
        crop(captured_at="1970-01-01T00:00:00Z", track="x" * 64),
        crop(metadata={"anything": "else"}, confidence=True),
    ]
    images = {one["id"]: eyes.picture_of(1) for one in odd}
    assert post(client, odd, images).json()["rejected"] == []
    assert process_batch() == len(odd)
    assert set(Crop.objects.values_list("state", flat=True)) == {Crop.State.DONE}


def test_metadata_may_come_as_a_file_part(client: APIClient) -> None:
    one = crop()
    part = SimpleUploadedFile("metadata.json", json.dumps({"crops": [one]}).encode())
    image = SimpleUploadedFile("x", plain_png())
    assert send(client, part, **{one["id"]: image}).status_code == 202


def test_a_crop_whose_image_part_is_missing_is_rejected_by_its_id(client: APIClient) -> None:
    there, missing = crop(), crop()
    body = post(client, [there, missing], {there["id"]: plain_png()}).json()
    assert body["accepted"] == [there["id"]]
    assert [(one["id"], one["code"]) for one in body["rejected"]] == [(missing["id"], "no-image")]


def test_an_image_sent_as_text_is_a_missing_image(client: APIClient) -> None:
    one = crop()
    answer = send(client, json.dumps({"crops": [one]}), **{one["id"]: "not a file"})
    assert [rejected["code"] for rejected in answer.json()["rejected"]] == ["no-image"]


def test_a_part_that_no_crop_names_is_ignored(client: APIClient) -> None:
    one = crop()
    answer = post(client, [one], {one["id"]: plain_png(), str(uuid4()): plain_png()})
    assert answer.status_code == 202
    assert Crop.objects.count() == 1


@pytest.mark.parametrize("field", ["id", "camera", "captured_at"])
def test_a_missing_field_is_named(client: APIClient, field: str) -> None:
    detail = post(client, [crop(**{field: None})], {}).json()["rejected"][0]["detail"]
    assert detail == f"{field}: This field is required."


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "nan", "-Infinity", 10**400])
def test_numbers_that_no_database_stores_are_refused(client: APIClient, value: object) -> None:
    for field in ({"box": [1, 2, 3, value]}, {"confidence": value}):
        (rejected,) = post(client, [crop(**field)]).json()["rejected"]
        assert (rejected["code"], next(iter(field)) in rejected["detail"]) == ("invalid", True)


def test_a_bad_number_in_a_box_is_said_in_words(client: APIClient) -> None:
    detail = post(client, [crop(box=[1, 2, "three", 4])]).json()["rejected"][0]["detail"]
    assert detail == "box.2: A valid number is required."


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disp"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{'),
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=\xff", b"--x--"),
    ],
)
def test_a_body_that_is_no_multipart_is_a_400(client: APIClient, content_type: str, body: bytes) -> None:
    answer = client.generic("POST", f"{ROOT}/store-results", body, content_type=content_type)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"

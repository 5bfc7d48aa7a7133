"""Whatever comes in as the compact form: an answer that says what is wrong, at little cost, never a server error."""

import json
import time
import zlib
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from detections.api.bundles import MAX_METADATA_BYTES
from detections.models import Crop, Track
from edge_client import bundle
from tests.fabricated import NOON, make_camera, plain_png
from tests.ingest.posting import post_bundle, post_bytes

MANY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from([10**400, -1, "nan"])
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=5), inner))
PICTURE = plain_png()
HEARTBEAT = "/api/v1/edge/heartbeat"


@pytest.fixture
def client(operator: APIClient) -> APIClient:
    make_camera()
    return operator


def content(**changes: object) -> dict:
    row = ["0f2c4b9e5d0a4f439a558e1f7c1b2a3d", 0, NOON.isoformat(), len(PICTURE), [1, 2, 3, 4], [640, 480], 0.9]
    return {"tracks": [["gate", "t"]], "crops": [row], "beats": [[0, NOON.isoformat()]], "node": {}} | changes


def test_the_content_that_these_tests_spoil_is_sound(client: APIClient) -> None:
    assert post_bundle(client, content(), PICTURE).status_code == 202


@MANY
@given(st.binary(max_size=100))
@example(b"")
@example(zlib.compress(b""))
@example(zlib.compress(b"[" * 100_000))
@example(zlib.compress(b'{"crops": ' + b"9" * 5000 + b"}"))
@example(zlib.compress(b"\xff\xfe"))
def test_what_is_no_bundle_is_a_400(client: APIClient, body: bytes) -> None:
    answer = post_bytes(client, body)
    assert answer.status_code == 400
    assert answer.json()["detail"]


@MANY
@given(JSON)
@example([])
@example({"crops": {}})
@example({"tracks": [["gate", "\x00"]]})
@example({"tracks": [["gate", "\ud800"]]})
@example({"beats": [[0, "2026-03-01T12:00:00Z"]]})
def test_any_json_as_the_metadata_is_a_400(client: APIClient, value: object) -> None:
    assert post_bundle(client, value, PICTURE).status_code == 400


@MANY
@given(st.sampled_from(["tracks", "crops", "beats", "node"]), JSON)
@example("tracks", [["gate", "t"]] * 513)
@example("tracks", [["gate", "a\x00b"]])
@example("tracks", [["gate", "\ud800"]])
@example("beats", [[1, "2026-03-01T12:00:00Z"]])
@example("beats", [[0, "0001-01-01T00:00:00+23:59"]])
@example("beats", [[True, "9999-12-31T23:59:59-23:59"]])
@example("node", {"queued": 10**30})
@example("node", {"queued": -1})
@example("node", {"clock_offset_s": float("nan")})
@example("node", {"last_error": "x\x00"})
@example("node", {"version": "\ud800"})
@example("node", {"cameras": [{"camera": "gate", "last_crop_at": "9999-12-31T23:59:59-23:59"}]})
def test_one_spoiled_field_is_a_202_or_a_400(client: APIClient, field: str, value: object) -> None:
    for to in ("/api/v1/face-recognition/store-results", "/api/v1/face-recognition/dry-run"):
        answer = post_bundle(client, content(**{field: value}), PICTURE, to=to)
        assert answer.status_code in {202, 400}
        assert answer.status_code == 202 or answer.json()["detail"]
    heartbeat = post_bundle(client, content(crops=[], **{field: value} if field != "crops" else {}), to=HEARTBEAT)
    assert heartbeat.status_code in {200, 400}


@MANY
@given(st.integers(0, 6), JSON)
@example(1, 1)
@example(1, True)
@example(1, -1)
@example(3, len(PICTURE) + 1)
@example(3, -len(PICTURE))
@example(3, 0)
@example(3, 10**400)
@example(0, "\ud800")
@example(4, [float("nan")] * 4)
def test_one_spoiled_place_of_a_crop_is_a_202_or_a_400(client: APIClient, place: int, value: object) -> None:
    row = content()["crops"][0]
    row[place] = value
    answer = post_bundle(client, content(crops=[row]), PICTURE)
    assert answer.status_code in {202, 400}
    assert answer.status_code == 202 or "ErrorDetail" not in answer.json()["detail"]


@MANY
@given(st.data())
def test_a_bundle_that_was_damaged_on_the_way_is_a_202_or_a_400(client: APIClient, data: st.DataObject) -> None:
    ids = [str(UUID(int=number)) for number in range(2)]
    crops = [bundle.Crop(camera="gate", captured_at=NOON, image=PICTURE, codec="webp", id=name) for name in ids]
    body = bytearray(bundle.pack(crops)[1])
    place = data.draw(st.integers(0, len(body) - 1))
    if data.draw(st.booleans()):
        body[place] ^= data.draw(st.integers(1, 255))
    else:
        del body[place:]
    assert post_bytes(client, bytes(body)).status_code in {202, 400}


@pytest.mark.parametrize("images", [b"", PICTURE[:-1], PICTURE + b"x", PICTURE * 2])
def test_images_that_do_not_add_up_fail_the_whole_request(client: APIClient, images: bytes) -> None:
    answer = post_bundle(client, content(), images)
    assert answer.status_code == 400
    assert f"The images have {len(images)} bytes together" in answer.json()["detail"]
    assert not Crop.objects.exists()


def test_a_row_of_another_shape_is_told_with_the_right_one(client: APIClient) -> None:
    answer = post_bundle(client, content(crops=[["id", 0]]), PICTURE)
    assert "Each must be a list of id, track, captured_at, bytes, box" in answer.json()["detail"]


@pytest.mark.parametrize("count", [0, 33])
def test_a_request_holds_one_to_32_crops(client: APIClient, count: int) -> None:
    rows = content()["crops"] * count
    answer = post_bundle(client, content(crops=rows), PICTURE * count)
    assert answer.status_code == 400
    assert "1 to 32" in answer.json()["detail"]


def test_a_heartbeat_with_crops_is_refused_and_does_not_lose_them_silently(client: APIClient) -> None:
    assert post_bundle(client, content(), PICTURE, to=HEARTBEAT).status_code == 400
    assert post_bundle(client, content(crops=[]), PICTURE, to=HEARTBEAT).status_code == 400


def test_a_bomb_is_not_decompressed(client: APIClient) -> None:
    bomb = zlib.compress(b" " * 100_000_000, 1)
    assert len(bomb) < 2**20
    started = time.monotonic()
    answer = post_bytes(client, bomb)
    assert time.monotonic() - started < 1
    assert answer.status_code == 400
    assert f"longer than {MAX_METADATA_BYTES // 1024} KiB" in answer.json()["detail"]


def test_metadata_up_to_its_limit_is_read(client: APIClient) -> None:
    text = json.dumps(content())
    padded = text + " " * (MAX_METADATA_BYTES - len(text))
    assert post_bytes(client, zlib.compress(padded.encode()) + PICTURE).status_code == 202
    assert post_bytes(client, zlib.compress(f"{padded} ".encode()) + PICTURE).status_code == 400


def test_nothing_of_a_refused_request_is_kept(client: APIClient) -> None:
    post_bundle(client, content(beats=[[5, NOON.isoformat()]]), PICTURE)
    assert not Crop.objects.exists()
    assert not Track.objects.exists()

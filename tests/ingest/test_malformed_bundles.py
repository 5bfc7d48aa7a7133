"""Whatever comes in as the compact form: an answer that says what is wrong, at little cost, never a server error."""

import json
import time
import tracemalloc
import zlib

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from detections.api.unpacking import MAX_FIGURES_BYTES, MOST, VERSION
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
NO_END = b"\xff" * 9


@pytest.fixture
def client(operator: APIClient) -> APIClient:
    make_camera()
    return operator


def crop(**fields: object) -> bundle.Crop:
    values = {"box": (1, 2, 3, 4), "frame_size": (640, 480), "confidence": 0.9, "track": "t"} | fields
    return bundle.Crop(camera="gate", captured_at=NOON, image=PICTURE, codec="webp", **values)


def sound() -> bytes:
    return bundle.pack([crop(), crop()], {("gate", "t"): NOON}, {"queued": 3})[1]


def body(
    *, tracks: bytes = b"\x01\x00\x01t", crops: bytes = b"\x00", beats: bytes = b"\x00", node: bytes = b"\x00"
) -> bytes:
    """A request for the camera `gate`, put together by hand."""
    return bytes([VERSION]) + b"\x01\x04gate" + tracks + crops + beats + node


def test_what_these_tests_spoil_is_sound(client: APIClient) -> None:
    assert post_bytes(client, sound()).status_code == 204
    assert post_bytes(client, body(), to=HEARTBEAT).status_code == 204
    assert post_bytes(client, body(beats=b"\x01\x00\x02"), to=HEARTBEAT).status_code == 204


@MANY
@given(st.binary(max_size=100))
@example(b"")
@example(zlib.compress(b'{"crops": []}'))
def test_what_is_no_bundle_is_a_400(client: APIClient, noise: bytes) -> None:
    answer = post_bytes(client, noise)
    assert answer.status_code == 400
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("spoiled", "words"),
    [
        (bytes([VERSION + 1]) + sound()[1:], f"has format {VERSION + 1}"),
        (body(tracks=b"\x01\x01\x01t"), "place 1 of a list of 1"),
        (body(tracks=b"\x01\x00\x01\xff"), "utf-8"),
        (body(crops=b"\x01\x00\x09\x01?" + b"\x00" * 12), "16"),
        (body(crops=b"\x01\x01"), "place 1 of a list of 1"),
        (body(crops=b"\x01\x00\x00\x00\x02\x09\x09\x00\x00\x00\x00"), "how large its frame is"),
        (body(crops=b"\x01\x00" + NO_END), "a number that is too long"),
        (body(crops=b"\x01\x00\x00\x00" + b"\xff" * 8 + b"\x7f"), "no calendar"),
        (body(beats=b"\x01\x01\x00"), "place 1 of a list of 1"),
        (body(beats=b"\x01\x00" + b"\xff" * 8 + b"\x7e"), "no calendar"),
        (body(tracks=b"\x81\x04" + b"\x00\x01t" * 513), f"{MOST} is the most"),
        (body(beats=b"\xff\xff\xff\x7f"), f"{MOST} is the most"),
        (body(node=b"\x03abc"), "JSON packed by zlib"),
        (sound() + b"x", "1 bytes more than"),
        (sound()[:-1], "cut off"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_of_the_request_is_kept(
    client: APIClient, spoiled: bytes, words: str
) -> None:
    for to in ("/api/v1/face-recognition/store-results", "/api/v1/face-recognition/dry-run", HEARTBEAT):
        answer = post_bytes(client, spoiled, to=to)
        assert answer.status_code == 400
        assert words in answer.json()["detail"]
    assert not Crop.objects.exists()
    assert not Track.objects.exists()


@MANY
@given(st.data())
def test_a_bundle_that_was_damaged_on_the_way_is_accepted_or_a_400(client: APIClient, data: st.DataObject) -> None:
    spoiled = bytearray(sound())
    metadata = len(spoiled) - 2 * len(PICTURE)
    place = data.draw(st.integers(0, metadata - 1) | st.integers(0, len(spoiled) - 1))
    if data.draw(st.booleans()):
        spoiled[place] ^= data.draw(st.integers(1, 255))
    else:
        del spoiled[place:]
    assert post_bytes(client, bytes(spoiled)).status_code in {202, 204, 400}


@MANY
@given(JSON)
@example({"queued": 10**30})
@example({"queued": -1})
@example({"clock_offset_s": float("nan")})
@example({"last_error": "x\x00"})
@example({"version": "\ud800"})
@example({"cameras": [{"camera": "gate", "last_crop_at": "9999-12-31T23:59:59-23:59"}]})
def test_any_figures_are_a_204_or_a_400(client: APIClient, value: object) -> None:
    answer = post_bundle(client, node=value, to=HEARTBEAT)
    assert answer.status_code in {204, 400}
    assert post_bundle(client, crop(), node=value).status_code == answer.status_code


@pytest.mark.parametrize(
    "change", [{"track": "a\x00b"}, {"track": "t" * 65}, {"confidence": 1.001}, {"frame_size": (100_001, 480)}]
)
def test_a_field_beyond_its_bounds_is_a_400(client: APIClient, change: dict) -> None:
    answer = post_bundle(client, crop(**change))
    assert answer.status_code == 400
    assert "ErrorDetail" not in answer.json()["detail"]


@MANY
@given(st.sampled_from(["tracks", "crops", "beats", "node", "more"]), JSON)
@example("tracks", [["gate", "t"]] * 513)
@example("tracks", [["gate", "a\x00b"]])
@example("tracks", [["gate", "\ud800"]])
@example("beats", [[1, "2026-03-01T12:00:00Z"]])
@example("beats", [[0, "0001-01-01T00:00:00+23:59"]])
@example("beats", [[True, "9999-12-31T23:59:59-23:59"]])
@example("crops", [{"image": "x"}])
def test_a_heartbeat_in_json_with_anything_in_it_is_a_200_or_a_400(
    client: APIClient, field: str, value: object
) -> None:
    content = {"tracks": [["gate", "t"]], "beats": [[0, NOON.isoformat()]], "node": {}} | {field: value}
    answer = client.generic("POST", HEARTBEAT, json.dumps(content), content_type="application/json")
    assert answer.status_code in {200, 400}


@MANY
@given(JSON)
def test_any_json_as_a_heartbeat_is_a_200_or_a_400(client: APIClient, value: object) -> None:
    answer = client.generic("POST", HEARTBEAT, json.dumps(value), content_type="application/json")
    assert answer.status_code in {200, 400}


@pytest.mark.parametrize("count", [0, 33])
def test_a_request_holds_one_to_32_crops(client: APIClient, count: int) -> None:
    answer = post_bundle(client, *(crop() for _ in range(count)))
    assert answer.status_code == 400
    assert "1 to 32" in answer.json()["detail"]


def test_a_heartbeat_with_crops_is_refused_and_does_not_lose_them_silently(client: APIClient) -> None:
    assert post_bundle(client, crop(), to=HEARTBEAT).status_code == 400


def test_a_bomb_is_not_decompressed(client: APIClient) -> None:
    bomb = bundle._Writer()
    bomb.blob(zlib.compress(b" " * 100_000_000, 1))
    started = time.monotonic()
    answer = post_bytes(client, body(node=bytes(bomb.written)), to=HEARTBEAT)
    assert time.monotonic() - started < 5
    assert answer.status_code == 400
    assert f"longer than {MAX_FIGURES_BYTES // 1024} KiB" in answer.json()["detail"]


def test_lists_without_end_cost_no_memory(client: APIClient) -> None:
    tracemalloc.start()
    try:
        answer = post_bytes(client, body(beats=b"\x80\x80\x80\x04" + bytes(2_000_000)))
        assert tracemalloc.get_traced_memory()[1] < 15_000_000
    finally:
        tracemalloc.stop()
    assert answer.status_code == 400

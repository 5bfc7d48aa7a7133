"""Why a crop is rejected: its camera, its clock, its image."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from access.models import ApiKey
from detections.models import Crop, EdgeNode
from tests.fabricated import make_camera, make_node, plain_png
from tests.ingest.posting import crop, post


@pytest.fixture
def client(operator: APIClient) -> APIClient:
    make_camera()
    return operator


@pytest.fixture
def edge(with_key: Callable[..., APIClient]) -> APIClient:
    """A node that may send for `gate` only."""
    api = with_key(ApiKey.Scope.EDGE)
    make_node(make_camera("gate"), key=ApiKey.objects.get())
    make_camera("yard")
    return api


def code(client: APIClient, *, image: bytes = b"", **fields: object) -> str | None:
    sent = crop(**fields)
    body = post(client, [sent], {sent["id"]: image or plain_png()}).json()
    return body["rejected"][0]["code"] if body["rejected"] else None


def test_an_unknown_camera(client: APIClient) -> None:
    assert code(client, camera="nowhere") == "unknown-camera"


def test_a_camera_that_is_switched_off(client: APIClient) -> None:
    make_camera("old", is_active=False)
    assert code(client, camera="old") == "unknown-camera"


def test_an_edge_key_sends_for_its_own_cameras_only(edge: APIClient) -> None:
    assert code(edge, camera="gate") is None
    assert code(edge, camera="yard") == "unknown-camera"


def test_a_foreign_camera_is_refused_in_the_same_words_as_an_unknown_one(edge: APIClient) -> None:
    foreign = post(edge, [crop(camera="yard")]).json()["detail"]
    unknown = post(edge, [crop(camera="void")]).json()["detail"]
    assert foreign.replace("yard", "void") == unknown


def test_an_edge_key_without_a_node_sends_for_no_camera(with_key: Callable[..., APIClient]) -> None:
    make_camera()
    assert code(with_key(ApiKey.Scope.EDGE)) == "unknown-camera"


def test_sending_marks_the_node_as_seen(edge: APIClient) -> None:
    post(edge, [crop()])
    assert timezone.now() - EdgeNode.objects.get().last_seen_at < timedelta(minutes=1)


@pytest.mark.parametrize(("ahead", "rejection"), [(timedelta(minutes=1), None), (timedelta(minutes=10), "future")])
def test_a_clock_may_be_a_little_fast(client: APIClient, ahead: timedelta, rejection: str | None) -> None:
    assert code(client, captured_at=(timezone.now() + ahead).isoformat()) == rejection


def test_what_was_captured_long_ago_is_accepted(client: APIClient) -> None:
    assert code(client, captured_at="2020-02-29T23:59:59.999+05:30") is None


def test_a_time_that_is_none_in_every_zone(client: APIClient) -> None:
    """Programs that know no time send the first moment of the first year, which lies before it further west."""
    assert code(client, captured_at="0001-01-01T00:00:00Z") == "too-old"


@pytest.mark.parametrize(
    ("image", "rejection"),
    [(b"hello", "not-an-image"), (b"GIF89a" + bytes(50), "unsupported-format"), (plain_png()[:-9], "damaged")],
)
def test_an_image_that_cannot_be_read(client: APIClient, image: bytes, rejection: str) -> None:
    assert code(client, image=image) == rejection


def test_an_empty_image(client: APIClient) -> None:
    sent = crop()
    body = post(client, [sent], {sent["id"]: b""}).json()
    assert body["rejected"][0]["code"] == "empty"


def test_an_image_above_the_limits(client: APIClient, settings: object) -> None:
    settings.MAX_IMAGE_PIXELS = 1000
    assert code(client) == "too-many-pixels"
    settings.MAX_IMAGE_BYTES = 50
    assert code(client) == "too-large"
    assert not Crop.objects.exists()

"""A camera that is not heard any more is told of once, and so is its return."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models.functions import Now
from rest_framework.test import APIClient

from access.models import ApiKey
from detections import silence
from detections.models import Camera, Delivery, ExternalServer
from detections.tasks import sweep
from detections.webhooks.delivering import deliver_due
from tests.delivery.conftest import SECRET
from tests.delivery.receiver import Receiver
from tests.fabricated import make_camera, make_node, plain_png

Submit = Callable[..., object]


@pytest.fixture
def node(with_key: Callable[..., APIClient]) -> APIClient:
    api = with_key(ApiKey.Scope.EDGE)
    make_node(make_camera("gate"), make_camera("yard"), key=ApiKey.objects.get())
    return api


@pytest.fixture(autouse=True)
def listener(db: None, receiver: Receiver, settings: object) -> ExternalServer:
    settings.CAMERA_SILENT_MINUTES = 10
    return ExternalServer.objects.create(
        name="alarm", url=f"{receiver.url}/", secret=SECRET, wants_results=False, wants_camera_silent=True
    )


def wait(minutes: float) -> None:
    for camera in Camera.objects.exclude(heard_at=None):
        camera.heard_at -= timedelta(minutes=minutes)
        camera.save()


def told(receiver: Receiver) -> list[tuple[str, str]]:
    sweep()
    deliver_due()
    bodies = [json.loads(body) for _, _, body in receiver.requests]
    return [(body["type"], body["data"]["camera"]) for body in bodies]


def figures(client: APIClient, *cameras: str, error: str = "") -> None:
    rows = [{"camera": camera, "frames_per_second": 5, "error": error} for camera in cameras]
    assert client.post("/api/v1/edge/heartbeat", {"tracks": [], "node": {"cameras": rows}}).status_code == 200


def test_silence_is_told_once_and_so_is_the_return(receiver: Receiver, submit: Submit) -> None:
    submit(plain_png())
    wait(9)
    assert told(receiver) == []
    wait(2)
    for _ in range(3):
        assert told(receiver) == [("camera.silent", "gate")]
    submit(plain_png(1))
    for _ in range(3):
        assert told(receiver) == [("camera.silent", "gate"), ("camera.back", "gate")]
    wait(11)
    assert len(told(receiver)) == 3
    assert len({headers["webhook-id"] for _, headers, _ in receiver.requests}) == 3


def test_what_is_told_of_a_camera(receiver: Receiver, submit: Submit) -> None:
    submit(plain_png())
    wait(20)
    heard = Camera.objects.get().heard_at
    assert told(receiver)
    body = json.loads(receiver.requests[0][2])
    assert datetime.fromisoformat(body.pop("timestamp")) == Delivery.objects.get().created_at
    assert body == {
        "type": "camera.silent",
        "data": {"camera": "gate", "name": "gate", "location": "Place of gate", "last_heard_at": heard.isoformat()},
    }


def test_a_camera_that_never_sent_anything_is_not_missed(receiver: Receiver) -> None:
    make_camera("planned")
    assert told(receiver) == []


def test_nor_is_one_that_was_switched_off(receiver: Receiver, submit: Submit) -> None:
    submit(plain_png())
    wait(20)
    Camera.objects.update(is_active=False)
    assert told(receiver) == []


def test_heartbeats_and_figures_are_signs_of_life(receiver: Receiver, node: APIClient, submit: Submit) -> None:
    submit(plain_png(), track="t")
    for _ in range(3):
        wait(9)
        figures(node, "gate", "yard")
        assert told(receiver) == []
    wait(9)
    beat = {"tracks": [["gate", "t"]], "beats": [[0, datetime.now(UTC).isoformat()]]}
    assert node.post("/api/v1/edge/heartbeat", beat).status_code == 200
    wait(9)
    assert told(receiver) == [("camera.silent", "yard")]


def test_figures_of_a_camera_in_trouble_are_none(receiver: Receiver, node: APIClient) -> None:
    figures(node, "gate", "yard")
    wait(11)
    figures(node, "gate", error="The stream has ended.")
    figures(node, "yard")
    assert told(receiver) == [("camera.silent", "gate")]


def test_a_camera_of_another_node_cannot_be_kept_alive(receiver: Receiver, node: APIClient) -> None:
    other = make_camera("vault")
    Camera.objects.filter(pk=other.pk).update(heard_at=Now() - timedelta(minutes=11))
    figures(node, "vault")
    assert told(receiver) == [("camera.silent", "vault")]


def test_a_busy_camera_costs_one_write_in_half_a_minute(
    submit: Submit, django_assert_num_queries: Callable[..., object]
) -> None:
    make_camera("gate")
    silence.heard({"gate"})
    with django_assert_num_queries(1):
        silence.heard({"gate"})


def test_silence_since_a_moment_that_the_database_wrote_is_noticed(
    receiver: Receiver, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own have three decimals of a second, those of Python six."""
    monkeypatch.setattr(silence, "HEARD_RESOLUTION", timedelta(0))
    make_camera("gate")
    silence.heard({"gate"})
    time.sleep(0.01)
    settings.CAMERA_SILENT_MINUTES = 0
    for _ in range(2):
        assert told(receiver) == [("camera.silent", "gate")]
    settings.CAMERA_SILENT_MINUTES = 10
    silence.heard({"gate"})
    for _ in range(2):
        assert told(receiver) == [("camera.silent", "gate"), ("camera.back", "gate")]

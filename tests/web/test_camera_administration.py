"""Cameras, edge nodes, external servers, and the queues: what administrators do in the admin."""

import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient
from standardwebhooks import Webhook

from access.models import ApiKey
from detections.models import Camera, CameraStatus, Crop, Delivery, EdgeNode, ExternalServer
from recognition import wakeup
from recognition.models import Job
from tests.fabricated import make_camera, make_node, make_person
from tests.web.sightings import detect, text

pytestmark = pytest.mark.django_db


def act(client: Client, model: str, action: str, *keys: object) -> str:
    """Choose an action for rows of a list; returns the page that follows."""
    form = {"action": action, "_selected_action": [str(key) for key in keys]}
    return text(client.post(reverse(f"admin:detections_{model}_changelist"), form, follow=True))


def secret_in(page: str) -> str:
    (secret,) = re.findall(r"<code class=.secret.>([^<]+)</code>", page)
    return secret


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    tasks: list[str] = []
    monkeypatch.setattr(wakeup, "wake", lambda *message: tasks.append(message[0]))
    return tasks


def crop(state: Crop.State, image: bytes | None = b"image") -> Crop:
    job = Job.objects.create(kind=Job.Kind.RECOGNISE, total=1, done=1, failed=1)
    return Crop.objects.create(
        id=uuid4(), job=job, camera=make_camera(), sha256="", image=image, state=state, captured_at=datetime.now(UTC)
    )


def test_a_node_gets_a_key_that_is_shown_once_and_sees_its_cameras(admin: Client) -> None:
    make_camera("lab")
    admin.post(reverse("admin:detections_edgenode_add"), {"name": "box", "cameras": [make_camera("gate").pk]})
    node = EdgeNode.objects.get()
    page = act(admin, "edgenode", "issue_key", node.pk)
    api = APIClient(headers={"Authorization": f"Bearer {secret_in(page)}"})
    assert [camera["id"] for camera in api.get("/api/v1/cameras").json()["results"]] == ["gate"]
    assert "edge node box" in text(admin.get(reverse("admin:detections_edgenode_change", args=[node.pk])))
    assert "class='secret'" not in text(admin.get(reverse("admin:detections_edgenode_changelist")))


def test_a_node_and_its_cameras_show_what_they_told_last(admin: Client) -> None:
    node = make_node(make_camera("gate"), make_camera("yard"), key=ApiKey.objects.create(scope=ApiKey.Scope.EDGE))
    EdgeNode.objects.update(version="9.8.7", queued=41, bytes_sent=5 * 2**20, last_error="cannot reach it")
    CameraStatus.objects.create(
        camera_id="gate", frames_per_second=5.94, bytes_saved=3 * 2**30, error="lost it", reported_at=datetime.now(UTC)
    )
    nodes = text(admin.get(reverse("admin:detections_edgenode_changelist")))
    assert all(figure in nodes for figure in ("9.8.7", "41", "5.0 MB", "cannot reach it"))
    assert "5.0 MB" in text(admin.get(reverse("admin:detections_edgenode_change", args=[node.pk])))
    cameras = text(admin.get(reverse("admin:detections_camera_changelist")))
    assert all(figure in cameras for figure in ("5.9", "3.0 GB", "lost it"))


def test_a_camera_may_be_told_how_to_be_watched(admin: Client) -> None:
    page = reverse("admin:detections_camera_change", args=[make_camera("gate").pk])
    form = {"name": "gate", "location": make_camera("gate").location.pk, "is_active": "on"}
    rows = {"settings-TOTAL_FORMS": 1, "settings-INITIAL_FORMS": 0, "settings-0-camera": "gate"}
    wanted = {"settings-0-video_source": "rtsp://gate", "settings-0-target_fps": "6", "settings-0-motion": "unknown"}
    assert admin.post(page, form | rows | wanted).status_code == 302
    chosen = Camera.objects.get().settings
    assert (chosen.video_source, chosen.target_fps, chosen.motion, chosen.codec) == ("rtsp://gate", 6, None, "")


def test_a_camera_that_moves_to_another_place_leaves_the_plan_of_the_former(admin: Client) -> None:
    camera = make_camera("gate", plan_x=0.2, plan_y=0.3)
    page = reverse("admin:detections_camera_change", args=[camera.pk])
    rows = {"settings-TOTAL_FORMS": 0, "settings-INITIAL_FORMS": 0, "is_active": "on"}
    for place, expected in ((camera.location, 0.2), (make_camera("yard").location, None)):
        assert admin.post(page, rows | {"name": "front gate", "location": place.pk}).status_code == 302
        assert Camera.objects.get(pk="gate").plan_x == expected


def test_a_source_that_no_node_would_open_is_told(admin: Client) -> None:
    page = reverse("admin:detections_camera_change", args=[make_camera("gate").pk])
    form = {"name": "gate", "location": make_camera("gate").location.pk, "is_active": "on"}
    rows = {"settings-TOTAL_FORMS": 1, "settings-INITIAL_FORMS": 0, "settings-0-camera": "gate"}
    answer = admin.post(page, form | rows | {"settings-0-video_source": "front door", "settings-0-motion": "unknown"})
    assert "Neither a stream" in text(answer)


def test_an_external_server_gets_a_secret_that_is_shown_once(admin: Client) -> None:
    form = {"name": "door", "url": "https://door.example/hook", "is_active": "on"}
    page = text(admin.post(reverse("admin:detections_externalserver_add"), form, follow=True))
    server = ExternalServer.objects.get()
    assert secret_in(page) == server.secret
    now = datetime.now(UTC)
    signature = Webhook(server.secret).sign("id", now, "{}")
    headers = {"webhook-id": "id", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    assert Webhook(secret_in(page)).verify("{}", headers) == {}
    change = reverse("admin:detections_externalserver_change", args=[server.pk])
    assert server.secret not in text(admin.get(change))
    admin.post(change, form | {"name": "gate"})
    assert ExternalServer.objects.get().secret == server.secret


def test_a_lost_secret_is_replaced(admin: Client) -> None:
    server = ExternalServer.objects.create(name="door", url="https://door.example/", secret="whsec_b2xk")
    page = act(admin, "externalserver", "renew_secret", server.pk)
    server.refresh_from_db()
    assert secret_in(page) == server.secret != "whsec_b2xk"


def test_no_secret_is_logged(admin: Client) -> None:
    form = {"name": "door", "url": "https://door.example/hook", "is_active": "on"}
    admin.post(reverse("admin:detections_externalserver_add"), form)
    assert LogEntry.objects.count() == 1
    assert "whsec_" not in str(LogEntry.objects.values())


def test_only_crops_that_were_given_up_are_tried_again(admin: Client, woken: list[str]) -> None:
    dead, done = crop(Crop.State.DEAD), crop(Crop.State.DONE, image=None)
    page = act(admin, "crop", "requeue", dead.pk, done.pk)
    assert "1 of 2 crops wait again" in page
    assert [Crop.objects.get(pk=one.pk).state for one in (dead, done)] == [Crop.State.PENDING, Crop.State.DONE]
    assert woken == [wakeup.RECOGNITION]


def test_dead_letters_can_be_picked_out(admin: Client) -> None:
    dead, _ = crop(Crop.State.DEAD), crop(Crop.State.DONE)
    answer = admin.get(reverse("admin:detections_crop_changelist"), {"state__exact": "dead"})
    assert list(answer.context["cl"].queryset) == [dead]


def test_a_result_is_delivered_again(admin: Client, woken: list[str]) -> None:
    server = ExternalServer.objects.create(name="door", url="https://door.example/", secret="whsec_b2xk")
    failed = Delivery.objects.create(
        server=server,
        detection=detect(),
        state=Delivery.State.FAILED,
        attempts=11,
        last_error="500",
    )
    act(admin, "delivery", "deliver_again", failed.pk)
    failed.refresh_from_db()
    assert (failed.state, failed.attempts, failed.last_error) == (Delivery.State.PENDING, 0, "")
    assert list(Delivery.objects.due()) == [failed]
    assert woken == [wakeup.DELIVERY]


def test_a_camera_with_detections_is_not_deleted(admin: Client) -> None:
    detect(camera="gate")
    make_camera("unused")
    for camera in ("gate", "unused"):
        admin.post(reverse("admin:detections_camera_delete", args=[camera]), {"post": "yes"})
    assert [camera.pk for camera in Camera.objects.all()] == ["gate"]


def test_a_camera_keeps_its_id(admin: Client) -> None:
    camera = make_camera("gate")
    form = {"id": "other", "name": "Gate", "location": camera.location_id, "is_active": "on"}
    form |= {"settings-TOTAL_FORMS": 0, "settings-INITIAL_FORMS": 0}
    admin.post(reverse("admin:detections_camera_change", args=["gate"]), form)
    assert list(Camera.objects.values_list("pk", "name")) == [("gate", "Gate")]


@pytest.mark.parametrize("model", ["crop", "delivery", "detection", "track", "lastseen"])
def test_what_the_system_wrote_cannot_be_changed_by_hand(admin: Client, model: str) -> None:
    detection = detect(make_person("ada"), jpeg=b"jpeg")
    key = {"crop": crop(Crop.State.DONE).pk, "detection": detection.pk}.get(model)
    assert admin.get(reverse(f"admin:detections_{model}_changelist")).status_code == 200
    assert admin.get(reverse(f"admin:detections_{model}_add")).status_code == 403
    if key:
        address = reverse(f"admin:detections_{model}_change", args=[key])
        assert admin.get(address).status_code == 200
        assert admin.post(address, {}).status_code == 403
        assert admin.post(reverse(f"admin:detections_{model}_delete", args=[key]), {"post": "yes"}).status_code == 403

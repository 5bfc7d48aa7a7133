"""Cameras and edge nodes: how they are, what they send and save, and how a node is added."""

import html
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from access.models import ApiKey, AuditEntry
from detections.fleet import fleet
from detections.models import Camera, CameraStatus, Detection, EdgeNode, Location
from edge_client import config
from tests.fabricated import make_camera, make_node, make_person
from tests.web.sightings import detect, text

pytestmark = pytest.mark.django_db

ADD = "/cameras/nodes/add/"
NAMED = {"name": "Lodge box", "place": "Main entrance"}


def key(**fields: object) -> ApiKey:
    made = ApiKey(name="box", scope=ApiKey.Scope.EDGE, **fields)
    made.issue()
    return made


def alive(*cameras: str, **fields: object) -> EdgeNode:
    """A node whose cameras are heard, with the figures that it told."""
    now = timezone.now()
    node = make_node(*(make_camera(camera, heard_at=now) for camera in cameras), key=key())
    EdgeNode.objects.update(last_seen_at=now, reported_at=now, **fields)
    return node


def states(page: str) -> list[str]:
    return re.findall(r'<span class="chip[^"]*">([^<]+)</span>', page)


def rows(**cameras: str) -> dict[str, object]:
    """The second step's form, with these new cameras and their addresses."""
    fields: dict[str, object] = {"form-TOTAL_FORMS": len(cameras), "form-INITIAL_FORMS": 0, "step": "cameras"}
    for index, (name, source) in enumerate(cameras.items()):
        fields |= {f"form-{index}-name": name, f"form-{index}-video_source": source}
    return NAMED | fields


def test_a_node_shows_its_cameras_and_what_it_told_last(viewer: Client) -> None:
    alive("gate", queued=1041, spool_bytes=2**20, bytes_sent=2**20, clock_offset_s=-3.2, version="9.8.7")
    CameraStatus.objects.create(
        camera_id="gate",
        frames_per_second=5.94,
        faces_per_minute=12.3,
        bytes_saved=999 * 2**20,
        reported_at=timezone.now(),
    )
    page = text(viewer.get("/cameras/"))
    for words in ("version 9.8.7", "1,041 crops", "999.0 MB", "1,000 × less than video", "3.2 s ahead", "5.9", "12.3"):
        assert words in page
    assert "0.08 bits per pixel" in page  # what saving is measured against
    assert states(page) == ["alive", "alive"]


def test_states_of_nodes_and_cameras(viewer: Client) -> None:
    now = timezone.now()
    alive("gate")
    assert states(text(viewer.get("/cameras/"))) == ["alive", "alive"]
    Camera.objects.update(silent_since=now)
    assert states(text(viewer.get("/cameras/"))) == ["in trouble", "silent"]
    EdgeNode.objects.update(last_seen_at=now - timedelta(hours=1), reported_at=None)
    assert states(text(viewer.get("/cameras/"))) == ["silent", "silent"]
    ApiKey.objects.update(revoked_at=now)
    assert states(text(viewer.get("/cameras/")))[0] == "no live key"
    ApiKey.objects.update(revoked_at=None)
    EdgeNode.objects.update(last_seen_at=None)
    Camera.objects.update(is_active=False)
    assert states(text(viewer.get("/cameras/"))) == ["not heard yet", "switched off"]


def test_a_key_that_ends_soon_stands_out(viewer: Client) -> None:
    alive("gate")
    assert "does not end" in text(viewer.get("/cameras/"))
    ApiKey.objects.update(expires_at=timezone.now() + timedelta(days=100))
    assert "<dd>ends on" in text(viewer.get("/cameras/"))
    ApiKey.objects.update(expires_at=timezone.now() + timedelta(days=3))
    assert '<dd class="bad">ends on' in text(viewer.get("/cameras/"))


def test_a_camera_of_two_nodes_counts_once_in_what_is_saved() -> None:
    camera = make_camera("gate")
    CameraStatus.objects.create(camera=camera, bytes_saved=1000, reported_at=timezone.now())
    for name in ("old box", "new box"):
        EdgeNode.objects.create(name=name).cameras.add(camera)
    assert fleet().saved == 1000


def test_nothing_yet_says_what_to_do(viewer: Client, admin: Client) -> None:
    assert ADD in text(admin.get("/cameras/")).split('class="empty"')[1]
    page = text(viewer.get("/cameras/"))
    assert "An administrator can add one" in page
    assert ADD not in page


def test_cameras_that_no_node_has_are_listed(viewer: Client) -> None:
    make_camera("forgotten")
    assert "forgotten" in text(viewer.get("/cameras/")).split("Cameras without a node")[1]


def test_a_refresh_sends_nothing_while_nothing_changes(viewer: Client) -> None:
    alive("gate")
    version = re.search(r"version=(\w+)", text(viewer.get("/cameras/")))[1]
    as_htmx = {"HX-Request": "true"}
    assert viewer.get("/cameras/", {"version": version}, headers=as_htmx).status_code == 204
    EdgeNode.objects.update(queued=7)
    assert "7 crops" in text(viewer.get("/cameras/", {"version": version}, headers=as_htmx))


def test_many_nodes_take_as_many_queries_as_one(
    viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        node = EdgeNode.objects.create(name=f"node {number}")
        node.cameras.add(make_camera(f"camera-{number}"))
    with django_assert_max_num_queries(9):
        viewer.get("/cameras/")


def test_a_camera_shows_its_day(viewer: Client) -> None:
    alive("gate")
    for hours in (0, 0, 5, 30):
        detect(make_person(f"ada {hours} {detect().pk}"), timedelta(hours=hours), "gate")
    page = text(viewer.get("/cameras/gate/"))
    assert "named: 3, unknown: 4" in page
    assert page.count('class="lower"') == 2
    assert "?camera=gate" in page
    assert viewer.get("/cameras/nowhere/").status_code == 404


def test_all_faces_of_a_busy_day_are_counted_in_their_hour(viewer: Client) -> None:
    ada, camera, now = make_person("ada"), make_camera("gate"), timezone.now()
    seen = {"camera": camera, "face_index": 0, "probability": 0.1, "score": 0.1, "confidence": 0.9, "box": [1, 1, 2, 2]}
    Detection.objects.bulk_create(
        Detection(
            id=uuid.uuid4(), crop_id=uuid.uuid4(), captured_at=now - at, person=None if number % 8 else ada, **seen
        )
        for at in (timedelta(minutes=1), timedelta(hours=22, minutes=30))
        for number in range(12_000)
    )
    page = text(viewer.get("/cameras/gate/"))
    assert "named: 3,000, unknown: 21,000" in page
    hours = re.findall(r"<title>[^<]*: ([\d,]+) named, ([\d,]+) unknown</title>", page)
    assert [index for index, one in enumerate(hours) if one == ("1,500", "10,500")] == [1, 23]


def test_the_address_of_a_stream_is_not_shown(viewer: Client, admin: Client) -> None:
    admin.post(ADD, rows(Door="rtsp://viewer:secret@192.168.1.20/stream"))
    assert "secret" not in text(viewer.get("/cameras/")) + text(viewer.get("/cameras/door/"))


def test_three_steps_make_a_node_that_can_send(admin: Client) -> None:
    assert "Next: its cameras" in text(admin.get(ADD))
    assert "Cameras of Lodge box" in text(admin.post(ADD, NAMED | {"step": "name"}))
    assert not EdgeNode.objects.exists()
    waiting = make_camera("waiting")
    sources = {"Front door": "rtsp://192.168.1.20/stream", "Front Door": "0"}
    page = text(admin.post(ADD, rows(**sources) | {"known": waiting.pk}))
    node = EdgeNode.objects.get()
    assert [camera.pk for camera in node.cameras.order_by("pk")] == ["front-door", "front-door-2", "waiting"]
    assert Location.objects.filter(name="Main entrance").exists()
    (token,) = set(re.findall(r"fs_\w+-?[\w-]+", page))
    api = APIClient(headers={"Authorization": f"Bearer {token}"})
    assert len(api.get("/api/v1/edge/node").json()["cameras"]) == 3
    assert AuditEntry.objects.filter(kind="edge node", action="add", subject=node.pk).exists()
    assert token not in str(AuditEntry.objects.values()) + text(admin.get("/cameras/"))


def test_what_is_to_be_copied_starts_the_node(admin: Client, tmp_path: Path) -> None:
    page = admin.post(ADD, rows(Door="rtsp://192.168.1.20/stream")).content.decode()
    lines = html.unescape(re.search(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)[1]).splitlines()
    assert lines[-1] == "python -m edge_client run --config edge.toml"
    start, end = next(index for index, line in enumerate(lines) if "<<'END'" in line), lines.index("END")
    (tmp_path / "edge.toml").write_text("\n".join(lines[start + 1 : end]))
    (tmp_path / "edge.key").write_text(lines[1].split()[1])
    read = config.load(tmp_path / "edge.toml")
    assert read.server == "http://testserver"
    assert read.key.startswith("fs_")


@pytest.mark.parametrize(
    "source",
    ["file:///etc/passwd", "rtsp://", "rtsp://[", "rtsp://[abc]/x", "front door", "-1", "javascript:alert(1)"],
)
def test_an_address_that_no_node_would_open_is_refused(admin: Client, source: str) -> None:
    page = text(admin.post(ADD, rows(Door=source)))
    assert "Neither a stream’s address" in html.unescape(page).replace("'", "’")
    assert not Camera.objects.exists()


def test_a_node_without_cameras_or_with_a_known_name_is_refused(admin: Client) -> None:
    assert "Name at least one camera" in text(admin.post(ADD, rows()))
    EdgeNode.objects.create(name=NAMED["name"])
    assert "There is a node of this name already" in text(admin.post(ADD, rows(Door="0")))
    assert EdgeNode.objects.count() == 1
    assert not Camera.objects.exists()
    assert not ApiKey.objects.exists()


def test_rows_are_added_and_what_was_typed_is_kept(admin: Client) -> None:
    page = text(admin.post(ADD, rows(Door="rtsp://192.168.1.20/s") | {"more": "1"}))
    assert 'name="form-1-name"' in page
    assert 'value="rtsp://192.168.1.20/s"' in page
    page = text(admin.post(ADD, rows(Door="0") | {"more": "1", "form-TOTAL_FORMS": "nonsense"}))
    assert "Cameras of Lodge box" in page


def test_a_new_key_is_shown_once_and_a_third_refused(admin: Client) -> None:
    node = alive("gate")
    page = text(admin.post(reverse("node-key", args=[node.pk])))
    (token,) = set(re.findall(r"fs_\w+-?[\w-]+", page))
    assert APIClient(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/edge/node").status_code == 200
    answer = text(admin.post(reverse("node-key", args=[node.pk]), follow=True))
    assert node.keys.count() == 2
    assert "Revoke one first" in answer


def test_only_administrators_add_nodes_and_keys(operator: Client, visit_as: Callable[..., Client]) -> None:
    node = alive("gate")
    assert operator.get(ADD).status_code == operator.post(ADD, rows(Door="0")).status_code == 403
    assert operator.post(reverse("node-key", args=[node.pk])).status_code == 403
    assert node.keys.count() == 1


@pytest.mark.parametrize("node", ["0", "9" * 30, "-1", "x", "٣"])
def test_a_node_that_cannot_be_is_no_error(admin: Client, node: str) -> None:
    assert admin.get("/cameras/", {"node": node}).status_code == 200

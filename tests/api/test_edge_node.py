"""A node asks for its cameras and how to watch them, and sees nobody else's."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from rest_framework.test import APIClient

from access.models import ApiKey
from detections.models import CameraSettings
from detections.models.places import DEFAULT_MIN_SIZE
from edge_client.settings import CHOICES, SETTINGS, merge
from tests.fabricated import make_camera, make_node

URL = "/api/v1/edge/node"


@pytest.fixture
def node(with_key: Callable[..., APIClient]) -> APIClient:
    api = with_key(ApiKey.Scope.EDGE)
    make_node(make_camera("gate"), make_camera("hall", is_active=False), key=ApiKey.objects.get())
    CameraSettings.objects.create(camera=make_camera("yard"), video_source="rtsp://secret@yard")
    return api


def test_it_gets_its_cameras_with_what_is_set_and_no_others(node: APIClient) -> None:
    CameraSettings.objects.create(
        camera_id="gate", video_source="rtsp://user:word@10.0.0.5/1", target_fps=6, motion=False, codec="webp"
    )
    answer = node.get(URL).json()
    assert answer["name"] == "node"
    assert answer["cameras"] == [
        {
            "id": "gate", "name": "gate", "location": "Place of gate", "is_active": True,
            "video_source": "rtsp://user:word@10.0.0.5/1",
            "settings": {"target_fps": 6.0, "motion": False, "codec": "webp"},
        },
        {
            "id": "hall", "name": "hall", "location": "Place of hall", "is_active": False, "video_source": "",
            "settings": {},
        },
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change", [{"skip_frames": 0}, {"min_confidence": 0}, {"motion": False}, {"video_source": "0"}]
)
def test_the_version_changes_with_any_setting_and_only_then(node: APIClient, change: dict) -> None:
    versions = [node.get(URL).json()["settings_version"] for _ in range(2)]
    CameraSettings.objects.create(camera_id="gate", **change)
    versions.append(node.get(URL).json()["settings_version"])
    assert versions[0] == versions[1] != versions[2]
    figures = node.post("/api/v1/edge/heartbeat", {"node": {}})
    assert figures.json()["settings_version"] == versions[2]


def test_every_setting_is_one_that_nodes_know(node: APIClient) -> None:
    CameraSettings.objects.create(
        camera_id="gate", target_fps=6, skip_frames=2, min_size=40, max_size=400, min_confidence=0.9, motion=True,
        detector="yunet", codec="avif",
    )  # fmt: skip
    settings = node.get(URL).json()["cameras"][0]["settings"]
    assert set(settings) == set(SETTINGS)
    assert merge("camera gate", settings).detector == "yunet"
    assert set(CameraSettings.Detector.values) == set(CHOICES["detector"])
    assert set(CameraSettings.Codec.values) == set(CHOICES["codec"])


@pytest.mark.parametrize("scope", [ApiKey.Scope.EDGE, ApiKey.Scope.OPERATOR])
def test_a_key_of_no_node_is_told_what_to_do(with_key: Callable[..., APIClient], scope: ApiKey.Scope) -> None:
    answer = with_key(scope).get(URL)
    assert answer.status_code == 404
    assert "belongs to no edge node" in answer.json()["detail"]


def test_sizes_that_exclude_every_face_are_refused(node: APIClient) -> None:
    with pytest.raises(ValidationError, match="must be larger"):
        CameraSettings(camera_id="gate", min_size=80, max_size=60).full_clean()


def test_a_largest_face_below_what_a_node_takes_for_the_smallest_is_refused(node: APIClient) -> None:
    assert merge("camera gate", {}).min_size == DEFAULT_MIN_SIZE
    with pytest.raises(ValidationError, match=r"must be larger than the smallest \(40\)"):
        CameraSettings(camera_id="gate", max_size=30).full_clean()
    CameraSettings(camera_id="gate", min_size=20, max_size=30).full_clean()


@pytest.mark.parametrize("source", ["file:///etc/passwd", "front door", "rtsp://"])
def test_a_source_that_no_node_would_open_is_refused(node: APIClient, source: str) -> None:
    with pytest.raises(ValidationError, match="Neither a stream"):
        CameraSettings(camera_id="gate", video_source=source).full_clean()
    CameraSettings(camera_id="gate", video_source="rtsp://10.0.0.5/1").full_clean()

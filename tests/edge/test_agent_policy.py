"""What the agent submits for scripted detections: tracks that proved themselves, each with its own circumstances."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from edge_client.agent import Agent
from edge_client.config import Config
from edge_client.detector import Face
from edge_client.server import Crop, RefusedError
from edge_client.source import Frame

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LANDMARKS = np.array([(30, 35), (70, 35), (50, 55), (35, 75), (65, 75)], np.float32)


class ScriptedDetector:
    """The faces of each frame in turn, by the left edge of their boxes."""

    def __init__(self, *script: list[float]) -> None:
        self._script = iter(script)

    def detect(self, _image: np.ndarray) -> list[Face]:
        return [Face((x, 100, x + 100, 200), LANDMARKS + np.float32([x, 100]), 0.99) for x in next(self._script)]


class Outbox:
    """An uploader that keeps what it gets."""

    failure: Exception | None = None

    def __init__(self) -> None:
        self.crops: list[Crop] = []

    def wait_for_room(self, _seconds: float) -> bool:
        return True

    def submit(self, crop: Crop) -> None:
        self.crops.append(crop)


def watch(*script: list[float], outbox: Outbox | None = None, fps: float = 10) -> tuple[list[Crop], Agent]:
    config = Config(
        server="http://localhost", key="k", camera="entrance", source=Path("video.mp4"), models=Path(), skip_frames=0,
        target_fps=None, min_size=40, max_size=None, min_confidence=0.9, loop=False, realtime=False, codec="jpeg",
    )  # fmt: skip
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    frames = [Frame(noise, START + timedelta(seconds=number / fps), number / fps) for number in range(len(script))]
    outbox = outbox or Outbox()
    agent = Agent(config, ScriptedDetector(*script), outbox)
    agent.run(frames, threading.Event())
    return outbox.crops, agent


def test_face_seen_too_seldom_is_not_sent():
    crops, agent = watch([50], [50], *[[]] * 20)
    assert crops == []
    assert (agent.totals.faces, agent.totals.tracks) == (2, 0)


def test_face_that_flickers_is_not_sent_even_when_its_first_moments_are_over():
    crops, _ = watch([50], [], [], [], [], [], [50])
    assert crops == []


def test_track_cut_off_by_the_end_of_the_video_is_sent():
    crops, agent = watch([50], [50], [50])
    assert len(crops) == 1
    assert agent.totals.tracks == 1


def test_steady_face_is_sent_once_with_the_circumstances_of_its_frame():
    (crop,), _ = watch(*[[50]] * 60)
    assert crop.captured_at in {START + timedelta(seconds=number / 10) for number in range(6)}
    assert (crop.camera, crop.frame_size, crop.box, crop.codec) == ("entrance", (640, 480), (50, 100, 150, 200), "jpeg")
    assert crop.image.startswith(b"\xff\xd8\xff")


def test_two_faces_are_two_tracks():
    crops, _ = watch(*[[50, 400]] * 20)
    assert len({crop.track for crop in crops}) == 2
    assert sorted(crop.box[0] for crop in crops) == [50, 400]


def test_failed_delivery_ends_the_run_at_once():
    outbox = Outbox()
    outbox.failure = RefusedError("the key is revoked")
    with pytest.raises(RefusedError, match="revoked"):
        watch([50], [50], outbox=outbox)
    assert outbox.crops == []

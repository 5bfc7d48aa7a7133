"""A written video keeps the pace of what was seen, whatever came in between."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_client.settings import ConfigError
from edge_client.videofile import FPS, VideoFile


def frame(level: int = 128, height: int = 48, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def frames_of(path: Path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(FPS)
    found = []
    while (item := capture.read())[0]:
        found.append(item[1])
    return found


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".avi", ".webm"])
@pytest.mark.parametrize("fps", [6, 25, 60])
def test_two_seconds_stay_two_seconds(tmp_path: Path, suffix: str, fps: float) -> None:
    path = tmp_path / f"boxes{suffix}"
    video = VideoFile(path)
    for number in range(2 * fps + 1):
        video.write(frame(), 1000 + number / fps)
    video.close()
    assert len(frames_of(path)) == pytest.approx(2 * FPS, abs=2)


def test_a_camera_that_was_away_does_not_add_its_absence(tmp_path: Path) -> None:
    video = VideoFile(tmp_path / "boxes.mp4")
    video.write(frame(), 0.0)
    video.write(frame(), 3600.0)
    video.close()
    assert len(frames_of(tmp_path / "boxes.mp4")) < 6 * FPS


def test_a_video_that_changes_its_resolution_keeps_the_first(tmp_path: Path) -> None:
    video = VideoFile(tmp_path / "boxes.mp4")
    video.write(frame(), 0.0)
    video.write(frame(height=96, width=128), 0.04)
    video.close()
    assert {image.shape for image in frames_of(tmp_path / "boxes.mp4")} == {(48, 64, 3)}


@pytest.mark.parametrize(("name", "message"), [("boxes.txt", "must end in .mp4"), ("nowhere/boxes.mp4", "no folder")])
def test_a_place_that_cannot_be_written_is_named_before_the_first_frame(
    tmp_path: Path, name: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        VideoFile(tmp_path / name)


def test_a_video_without_frames_is_no_file(tmp_path: Path) -> None:
    VideoFile(tmp_path / "boxes.mp4").close()
    assert not (tmp_path / "boxes.mp4").exists()

"""Files that are empty, cut off or damaged end their own camera, say so, and leave the others alone."""

import random
from pathlib import Path

import pytest

from tests.edge.conftest import FakeServer
from tests.edge.faults import scene
from tests.edge.faults.agent import Agent


def empty(path: Path, _video: bytes) -> None:
    path.touch()


def cut_off(path: Path, video: bytes) -> None:
    path.write_bytes(video[: len(video) // 2])  # an MP4's index is at its end


def damaged(path: Path, video: bytes) -> None:
    chance, content = random.Random(4), bytearray(video)
    for _ in range(200):
        content[chance.randrange(len(content) // 20, len(content) * 9 // 10)] = chance.randrange(256)
    path.write_bytes(content)


def no_video(path: Path, _video: bytes) -> None:
    path.write_text("holiday pictures\n")


@pytest.mark.parametrize("spoil", [empty, cut_off, no_video])
def test_a_file_that_cannot_be_read_leaves_the_other_camera_alone(
    server: FakeServer, agent: Agent, tmp_path: Path, spoil: object
) -> None:
    server.cameras = ["entrance", "exit"]
    video = scene.write_video(tmp_path / "good.mp4")
    bad = tmp_path / "bad.mp4"
    spoil(bad, video.read_bytes())
    agent.cameras = {"entrance": bad, "exit": video}
    agent.loop = False
    with agent.running():
        assert agent.process.wait(60) == 3
    assert f"ERROR cannot open {bad}: is it a video?" in agent.log
    assert {crop["camera"] for crop in server.stored.values()} == {"exit"}
    agent.assert_nothing_lost(set(server.stored))


def test_damage_within_a_file_ends_nothing(server: FakeServer, agent: Agent, tmp_path: Path) -> None:
    video = scene.write_video(tmp_path / "good.mp4", visits=4)
    damaged(tmp_path / "bad.mp4", video.read_bytes())
    agent.cameras = {"entrance": tmp_path / "bad.mp4"}
    agent.loop = False
    with agent.running():
        assert agent.process.wait(60) == 0, agent.log
    assert "frames," in agent.log
    agent.assert_nothing_lost(set(server.stored))


def test_a_video_that_changes_its_resolution_is_watched_to_its_end(
    server: FakeServer, agent: Agent, tmp_path: Path
) -> None:
    small, large = ([picture for picture in scene.jpegs(scale) for _ in range(3)] for scale in (1.0, 2.0))
    video = tmp_path / "resized.mjpeg"  # plays at 25 frames a second
    video.write_bytes(b"".join(small + large + small))
    agent.cameras = {"entrance": video}
    agent.loop = False
    with agent.running():
        assert agent.process.wait(60) == 0, agent.log
    assert f"{3 * len(small)} frames" in agent.log
    assert len({crop["track"] for crop in server.stored.values()}) == 3 * 2  # two at each resolution
    agent.assert_nothing_lost(set(server.stored))

"""The whole node on the demo video: every visit of a person arrives as one track, and emptiness sends nothing."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_client.config import NodeConfig
from edge_client.programs import run
from edge_client.settings import StatedCamera
from facesite import demo_video
from tests.edge.conftest import KEY, FakeServer, Reply, Upload, write_video
from tests.edge.test_node import Bench, camera
from tests.edge.test_status_page import Link
from tests.servers import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
FINISHED = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECONDS = 15


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.mp4"
    demo_video.make_demo_video(path, seconds=SECONDS)
    os.utime(path, (FINISHED.timestamp(), FINISHED.timestamp()))
    return path


def watch(server: FakeServer, key_file: Path, models: Path, video: Path, *flags: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "edge_client", "run", "--server", server.url, "--key-file", key_file]
    command += ["--camera", "entrance", "--video-source", video, "--detector-models", models]
    command += ["--spool", key_file.with_name("spool.sqlite3"), *flags]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=100, check=False)


def moment(crop: dict) -> float:
    """When a crop was taken, as a share of the video."""
    age = (FINISHED - datetime.fromisoformat(crop["captured_at"])).total_seconds()
    return 1 - age / SECONDS


def test_each_visit_is_one_track_and_nobody_sends_nothing(server, key_file, pack_folder, demo):
    server.answers.append(Reply(503))  # a stumble on the way costs nothing
    result = watch(server, key_file, pack_folder, demo)
    assert result.returncode == 0, result.stderr

    tracks = defaultdict(list)
    for crop in server.stored.values():
        tracks[crop["track"]].append(crop)
    visits = []
    for crops in tracks.values():
        left = np.mean([crop["box"][0] for crop in crops]) < demo_video.WIDTH / 2
        during = [
            walk
            for walk in demo_video.WALKS
            if all(walk.start <= moment(crop) <= walk.end for crop in crops)
            and (walk.start < 0.72 or left == (walk.person == "astronaut"))  # together, she keeps to the left
        ]
        visits += during or [None]
    assert sorted(visits, key=lambda walk: (walk.start, walk.person)) == sorted(
        demo_video.WALKS, key=lambda walk: (walk.start, walk.person)
    )

    assert len(server.stored) <= 5 * len(tracks)
    for name, content in server.images.items():
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        assert max(image.shape) <= 160
        assert len(content) < 10_000
        assert server.stored[name]["frame_size"] == [demo_video.WIDTH, demo_video.HEIGHT]
    assert server.connections == 1
    assert f"{SECONDS * demo_video.FPS} frames" in result.stderr
    assert f"{len(server.stored)} crops sent, 0 rejected, 0 dropped, 0 undelivered" in result.stderr


def test_crops_that_nobody_takes_are_counted_and_fail_the_run(server, key_file, pack_folder, demo):
    server.answers += [Reply(503, headers={"Retry-After": "300"})] * 20
    result = watch(server, key_file, pack_folder, demo, "--flush-seconds", "0.2", "--skip-frames", "1")
    assert result.returncode == 1
    assert "0 crops sent" in result.stderr
    assert ", 0 undelivered" not in result.stderr

    server.answers.clear()
    grey = key_file.with_name("grey.mp4")
    write_video(grey, levels=range(3), fps=10)
    assert watch(server, key_file, models=pack_folder, video=grey).returncode == 0
    assert len(server.stored) >= 4  # a crop of each visit at least, from the spool


def test_key_revoked_while_the_last_crops_go_out_fails_the_run(server, key_file, pack_folder, demo):
    def refuse_late(_upload: Upload) -> Reply:
        time.sleep(3)
        return Reply(401)

    server.answers.append(refuse_late)
    result = watch(server, key_file, pack_folder, demo, "--codec", "webp", "--target-fps", "6")
    assert result.returncode == 4
    assert "the server does not accept the API key: it is wrong or revoked (401)" in result.stderr
    assert len(server.uploads) == 1
    assert set(server.uploads[0].types.values()) == {"image/webp"}


def test_camera_is_watched_on_when_the_server_says_what_does_not_fit(server, video, caplog):
    caplog.set_level(logging.INFO)
    bench = Bench()
    before = camera("entrance", video)
    bench.node.watch([before])
    server.camera_settings["entrance"] = {"max_size": 20}
    config = NodeConfig(server=server.url, key=KEY, cameras={"entrance": StatedCamera(source=video)})
    stop = threading.Event()
    asking = threading.Thread(target=run._follow_settings, args=[config, None, [before], bench.node, Link(), stop])
    asking.start()
    wait_until(lambda: "settings of the server taken over" in caplog.text, "the settings")
    stop.set()
    asking.join()
    assert [watch.config for watch in bench.node.watches] == [before]
    assert "max_size must be larger" in caplog.text
    bench.stop.set()
    bench.node.run(bench.stop)


@pytest.mark.corpus
def test_people_walking_through_a_station_are_a_plausible_number_of_tracks(server, key_file, pack_folder, corpus):
    result = watch(server, key_file, pack_folder, corpus / "videos/station_entrance_1080p.mp4", "--target-fps", "8")
    assert result.returncode == 0, result.stderr
    tracks = {crop["track"] for crop in server.stored.values()}
    assert 5 <= len(tracks) <= 12  # seven to ten faces are large enough to be seen
    assert len(server.stored) <= 4 * len(tracks)


@pytest.mark.corpus
def test_damaged_video_is_watched_as_far_as_it_goes(server, key_file, pack_folder, corpus):
    result = watch(server, key_file, pack_folder, corpus / "videos/corrupted_mp4.mp4")
    assert result.returncode == 0, result.stderr
    assert "is damaged: only 28 of its 50 frames can be read" in result.stderr


@pytest.mark.corpus
def test_traffic_without_faces_sends_nothing(server, key_file, pack_folder, corpus):
    result = watch(server, key_file, pack_folder, corpus / "videos/traffic_360p.mp4", "--skip-frames", "3")
    assert result.returncode == 0, result.stderr
    assert server.uploads == []

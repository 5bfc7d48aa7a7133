"""A camera that goes away is connected again when it is back, whatever it speaks, and however it went."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.conftest import FakeServer
from tests.edge.faults.agent import Agent
from tests.edge.faults.cameras import MjpegCamera, RtspCamera, has_rtsp
from tests.edge.faults.lengths import soak
from tests.servers import wait_until

needs_rtsp = pytest.mark.skipif(not has_rtsp(), reason="no RTSP server: install gir1.2-gst-rtsp-server-1.0, python3-gi")


@pytest.fixture(params=[pytest.param(RtspCamera, marks=needs_rtsp), MjpegCamera])
def camera(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RtspCamera | MjpegCamera]:
    camera = request.param(tmp_path)
    camera.start()
    yield camera
    camera.vanish()


@pytest.mark.parametrize("seconds", [1, soak(300)])
def test_a_camera_that_vanishes_is_watched_again_when_it_is_back(
    server: FakeServer, agent: Agent, camera: RtspCamera | MjpegCamera, passage: Path, seconds: float
) -> None:
    server.cameras = ["entrance", "exit"]
    agent.cameras = {"entrance": camera.url, "exit": passage}
    with agent.running():
        wait_for_track(agent, "entrance")
        camera.vanish()
        agent.wait_for("connecting again in")
        time.sleep(seconds)
        wait_for_track(agent, "exit")
        camera.start()
        wait_for_track(agent, "entrance")
        assert agent.stop() == 0
    assert "secret" not in agent.log
    agent.assert_nothing_lost(set(server.stored))


@needs_rtsp
@pytest.mark.soak
def test_a_camera_that_falls_silent_is_connected_again_and_keeps_no_node_from_ending(
    server: FakeServer, agent: Agent, tmp_path: Path
) -> None:
    """As when its cable is pulled: the connection stays, and nothing comes."""
    camera = RtspCamera(tmp_path)
    agent.cameras = {"entrance": camera.url}
    camera.start()
    try:
        with agent.running():
            wait_for_track(agent, "entrance")
            camera.process.send_signal(signal.SIGSTOP)
            agent.wait_for("connecting again in")
            camera.process.send_signal(signal.SIGCONT)
            wait_for_track(agent, "entrance")
            camera.process.send_signal(signal.SIGSTOP)
            assert agent.stop() == 0
    finally:
        camera.vanish()
    agent.assert_nothing_lost(set(server.stored))


def tracks(agent: Agent, camera: str) -> int:
    return agent.log.count(f"{camera}: track")


def wait_for_track(agent: Agent, camera: str) -> None:
    """Until one more has ended."""
    before = tracks(agent, camera)
    wait_until(lambda: tracks(agent, camera) > before, f"a track of {camera}", 60)

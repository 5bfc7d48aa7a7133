"""A camera that cannot be watched as it is set costs the others nothing, and is watched once it can be."""

import socket
import time
from pathlib import Path

from tests.edge.conftest import FakeServer
from tests.edge.faults.agent import Agent
from tests.servers import wait_until

UNESCAPED = "rtsp://admin:p[ss#w/rd@127.0.0.1:9/s"


def test_the_others_are_watched_and_it_is_tried_again(server: FakeServer, agent: Agent, passage: Path) -> None:
    server.cameras = ["entrance", "roof", "yard"]
    server.camera_settings = {"yard": {"detector": "yunet"}}  # which this node has no model for
    agent.cameras = {"entrance": passage, "roof": UNESCAPED, "yard": passage}

    def seen() -> set[str]:
        return {crop["camera"] for crop in server.stored.values()}

    with agent.running():
        wait_until(lambda: seen() == {"entrance"}, "crops of the other camera")
        agent.wait_for("camera yard: ")
        server.camera_settings.clear()
        wait_until(lambda: "yard" in seen(), "crops of the camera, once it can be watched")
        assert agent.stop() == 0
    assert "cannot open rtsp://" in agent.log
    assert "w/rd" not in agent.log
    assert "p[ss" not in agent.log
    assert "Traceback" not in agent.log


def test_a_node_whose_model_does_not_come_ends_when_it_is_told_to(
    server: FakeServer, agent: Agent, passage: Path
) -> None:
    server.camera_settings = {"entrance": {"detector": "yunet"}}
    agent.cameras = {"entrance": passage}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        agent.models_at = {"yunet": f"https://127.0.0.1:{silent.getsockname()[1]}/yunet.onnx"}
        with agent.running():
            silent.settimeout(30)
            connection, _ = silent.accept()
            started = time.monotonic()
            assert agent.stop() == 0
            connection.close()
    assert time.monotonic() - started < 8
    assert "Traceback" not in agent.log

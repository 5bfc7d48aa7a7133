"""The page tells what the node does to whoever sits at the box, and to nobody else."""

import threading
from datetime import UTC, datetime

import pytest
import requests

from edge_client.figures import OutboxStatus
from edge_client.settings import CameraConfig, CameraSettings, ConfigError
from edge_client.status import StatusPage
from tests.edge.test_node import Bench


class Link:
    def status(self) -> OutboxStatus:
        return OutboxStatus(
            queued=3, spool_bytes=12_345, dropped=1, rejected=2, sent=40, bytes_sent=100, last_error="<b>no route</b>",
            clock_offset_s=-3600.2, last_contact=datetime(2026, 3, 1, tzinfo=UTC), refused=False, settings_version="1",
        )  # fmt: skip


@pytest.fixture
def page(video):
    bench = Bench()
    source = "rtsp://user:secret@127.0.0.1:9/1?token=t"
    bench.node.watch([
        CameraConfig(id="entrance", source=video, settings=CameraSettings()),
        CameraConfig(id="gate", source=source, settings=CameraSettings()),
    ])  # fmt: skip
    thread = threading.Thread(target=bench.node.run, args=(bench.stop,))
    thread.start()
    while not (bench.node.watches[0].ended and bench.node.watches[1].source.trouble):
        bench.stop.wait(0.05)
    with StatusPage(0, bench.node, Link()) as page:
        yield f"http://127.0.0.1:{page.port}"
    bench.stop.set()
    thread.join()


def test_figures_are_there_for_machines(page, video):
    figures = requests.get(f"{page}/status.json", timeout=5).json()
    entrance, gate = figures["cameras"]
    assert (entrance["id"], entrance["state"], entrance["frames"]) == ("entrance", "ended", 30)
    assert (gate["state"], gate["source"]) == ("not connected", "rtsp://127.0.0.1:9/1")
    assert gate["error"].startswith("cannot open rtsp://127.0.0.1:9/1")
    assert (figures["link"]["queued"], figures["link"]["clock_offset_s"]) == (3, -3600.2)
    assert figures["bytes_saved"] == entrance["video_bytes"] - 100


def test_page_is_readable_and_escapes_what_it_shows(page):
    text = requests.get(f"{page}/", timeout=5).text
    for words in ("entrance", "3 crops, 12.3 kB on disk", "1 for want of room", "-3600.2 s", "&lt;b&gt;no route"):
        assert words in text
    assert "secret" not in text
    assert "<b>" not in text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", ""])
def test_page_elsewhere_that_points_here_reads_nothing(page, host):
    answer = requests.get(f"{page}/status.json", headers={"Host": host}, timeout=5)
    assert answer.status_code == 421
    assert "entrance" not in answer.text


def test_other_paths_and_methods_are_refused(page):
    assert requests.get(f"{page}/etc/passwd", timeout=5).status_code == 404
    assert requests.post(f"{page}/", timeout=5).status_code == 501


def test_taken_port_is_named(page):
    with pytest.raises(ConfigError, match="cannot use port"):
        StatusPage(int(page.rpartition(":")[2]), Bench().node, Link())

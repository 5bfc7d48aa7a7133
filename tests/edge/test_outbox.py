"""What is submitted is kept and sent in good time; who stays is told in a few bytes; who is named is left in peace."""

import logging
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from edge_client import backoff, bundle, figures, presence, uploader
from edge_client.clock import Stamp
from edge_client.figures import CameraStats, NodeStats
from edge_client.outbox import HURRY, Outbox
from edge_client.server import MAX_BATCH, Server
from edge_client.spool import Spool
from tests.edge.conftest import KEY, Reply
from tests.edge.crops import TAKEN, crop
from tests.servers import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(backoff, "FIRST", 0.01)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "spool.sqlite3"


@pytest.fixture
def outbox(server, path):
    outbox = Outbox(Server(server.url, KEY), path)
    wait_until(lambda: server.heartbeats, "the first heartbeat")
    yield outbox
    outbox.close(0)


@pytest.fixture
def others_wait_long(monkeypatch):
    """So long that what leaves in time did not wait, also on a busy machine."""
    monkeypatch.setattr("edge_client.outbox.LINGER", 30)


def test_crop_in_a_hurry_leaves_at_once_and_others_wait_for_company(others_wait_long, server, outbox):
    outbox.submit(crop(1))
    wait_until(lambda: server.uploads, "it", 10)
    outbox.submit(crop(1), hurry=False)
    time.sleep(HURRY + 0.5)
    assert len(server.uploads) == 1
    outbox.submit(crop(2))
    wait_until(lambda: len(server.uploads) == 2, "both", 10)
    assert [one["track"] for one in server.uploads[1].crops] == ["track-1", "track-2"]


def test_crops_of_one_frame_share_a_request(server, outbox):
    for number in range(6):
        outbox.submit(crop(number))
    wait_until(lambda: len(server.stored) == 6, "delivery")
    assert len(server.uploads) == 1


def test_full_batch_does_not_wait(others_wait_long, server, outbox):
    outbox.submit(crop(0))
    wait_until(lambda: server.uploads, "the first")
    for _ in range(MAX_BATCH):
        outbox.submit(crop(0), hurry=False)
    wait_until(lambda: len(server.stored) == MAX_BATCH + 1, "all", 10)


def test_what_was_not_delivered_goes_out_at_the_next_start(server, path):
    server.answers += [Reply(503, headers={"Retry-After": "60"})]
    crops = [crop(number) for number in range(3)]
    first = Outbox(Server(server.url, KEY), path)
    for one in crops:
        first.submit(one)
    assert first.close(0.5) == 3
    second = Outbox(Server(server.url, KEY), path)
    wait_until(lambda: len(server.stored) == 3, "delivery")
    assert list(server.stored) == [one.id for one in crops]
    assert second.close(0) == 0


KILLED = """
import sys, time
from pathlib import Path
from edge_client.outbox import Outbox
from edge_client.server import Server
from tests.edge.crops import crop
outbox = Outbox(Server(sys.argv[1], sys.argv[2]), Path(sys.argv[3]))
for number in range(80):
    one = crop(number)
    outbox.submit(one)
    print(one.id, flush=True)
print("all", flush=True)
time.sleep(60)
"""


def test_kill_9_in_the_middle_of_an_upload_loses_nothing(server, path):
    delay = [lambda _: time.sleep(0.3) or Reply(202)] * 50
    server.answers += delay
    node = subprocess.Popen(
        [sys.executable, "-c", KILLED, server.url, KEY, path], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    submitted = [line.strip() for line in iter(node.stdout.readline, "all\n")]
    node.kill()
    node.wait()
    server.answers.clear()
    outbox = Outbox(Server(server.url, KEY), path)
    wait_until(lambda: set(server.stored) == set(submitted), "delivery")
    assert outbox.close(5) == 0
    assert len(submitted) == 80


def test_capture_times_are_kept_through_an_outage(server, outbox):
    server.answers += [Reply(0), Reply(500), Reply(502)]
    crops = [crop(number, captured_at=TAKEN + timedelta(seconds=number)) for number in range(5)]
    for one in crops:
        outbox.submit(one)
    wait_until(lambda: len(server.stored) == 5, "delivery")
    assert [server.stored[one.id]["captured_at"] for one in crops] == [
        f"2026-11-23T04:00:0{number}.123Z" for number in range(5)
    ]


def test_wrong_clock_of_the_node_is_corrected_in_what_is_sent(server, path):
    ahead = datetime.now(UTC) + timedelta(hours=1)
    server.dates = [format_datetime(ahead, usegmt=True)] * 100
    outbox = Outbox(Server(server.url, KEY), path)
    now = datetime.now(UTC)
    outbox.submit(crop(captured_at=now))
    outbox.beat("entrance", "track-9", now)
    wait_until(lambda: server.uploads, "delivery")
    (upload,) = server.uploads
    told = [upload.crops[0]["captured_at"], upload.beats["entrance", "track-9"]]
    for moment in told:
        assert datetime.fromisoformat(moment) - now == pytest.approx(timedelta(hours=1), abs=timedelta(seconds=2))
    assert outbox.status().clock_offset_s == pytest.approx(3600, abs=2)
    assert outbox.close(0) == 0


def test_track_is_settled_once_the_server_has_named_it(server, outbox):
    server.named.add(("entrance", "track-1"))
    assert not outbox.settled("entrance", "track-1")
    outbox.submit(crop(1))
    outbox.submit(crop(2))
    wait_until(lambda: outbox.settled("entrance", "track-1"), "the name")
    assert not outbox.settled("entrance", "track-2")
    assert not outbox.settled("gate", "track-1")


def test_name_that_the_server_takes_back_unsettles_the_track(server, outbox):
    server.named.add(("entrance", "track-1"))
    outbox.submit(crop(1))
    wait_until(lambda: outbox.settled("entrance", "track-1"), "the name")
    server.named.clear()
    outbox.beat("entrance", "track-1", TAKEN)
    outbox.submit(crop(2))
    wait_until(lambda: not outbox.settled("entrance", "track-1"), "the change")


def test_beats_are_coalesced_and_ride_along_with_crops(server, outbox):
    for second in range(5):
        outbox.beat("entrance", "track-7", TAKEN + timedelta(seconds=second))
    outbox.submit(crop(1))
    wait_until(lambda: server.uploads, "delivery")
    assert server.uploads[0].beats == {("entrance", "track-7"): "2026-11-23T04:00:04.123Z"}
    outbox.submit(crop(2))
    wait_until(lambda: len(server.uploads) == 2, "delivery")
    assert server.uploads[1].beats == {}


def test_beats_alone_go_out_with_the_next_report(server, path, monkeypatch):
    monkeypatch.setattr(uploader, "REPORT_EVERY", 0.5)
    outbox = Outbox(Server(server.url, KEY), path)
    outbox.beat("entrance", "track-7", TAKEN)
    wait_until(lambda: any(one.beats for one in server.heartbeats), "the beat")
    assert server.uploads == []
    assert outbox.close(0) == 0


def test_beats_are_told_before_the_end(server, outbox):
    outbox.beat("entrance", "track-7", TAKEN)
    assert outbox.close(10) == 0
    assert list(server.heartbeats[-1].beats) == [("entrance", "track-7")]


def test_beat_that_could_not_be_told_is_told_later_unless_a_newer_one_came(server, outbox):
    server.answers.append(Reply(500))
    outbox.beat("entrance", "track-7", TAKEN)
    outbox.submit(crop(1))
    wait_until(lambda: len(server.uploads) == 2, "the second try")
    assert list(server.uploads[1].beats) == [("entrance", "track-7")]


def test_who_is_known_is_still_there_however_many_crops_wait(server, path):
    server.named.add(("entrance", "track-1"))
    with closing(Spool(path)) as spool:
        for number in range(1, 2 * MAX_BATCH):
            spool.add(crop(number), Stamp(0, 0, "boot"))
    server.answers += [Reply(503)] * 2  # the report at the start, and the first try
    outbox = Outbox(Server(server.url, KEY), path)
    outbox._uploader._presence.told({}, {("entrance", "track-1"): "named"})
    outbox.beat("entrance", "track-1", TAKEN)
    assert outbox.close(20) == 0
    first, *_ = [one for one in [*server.heartbeats, *server.uploads] if one.beats]
    assert (list(first.beats), len(first.crops)) == ([("entrance", "track-1")], MAX_BATCH)


def test_beats_wait_for_the_crops_of_their_tracks(server, path):
    """The server does not note those of a track that it does not know."""
    with closing(Spool(path)) as spool:
        for number in range(2 * MAX_BATCH + 1):
            spool.add(crop(number), Stamp(0, 0, "boot"))
    server.answers.append(Reply(503))
    outbox = Outbox(Server(server.url, KEY), path)
    for number in range(2 * MAX_BATCH + 1):
        outbox.beat("entrance", f"track-{number}", TAKEN)
    assert outbox.close(20) == 0
    *earlier, last = server.uploads
    assert [one.beats for one in [*server.heartbeats, *earlier]] == [{}] * (1 + len(earlier))
    assert len(last.beats) == 2 * MAX_BATCH + 1


def test_memory_of_tracks_is_bounded(monkeypatch):
    monkeypatch.setattr(presence, "REMEMBERED", 10)
    known = presence.Presence()
    for number in range(100):
        known.told({}, {("gate", str(number)): "named"})
        known.beat(("gate", str(number)), TAKEN, None)
    assert len(known._states) == len(known.news()) == 10
    assert not known.settled(("gate", "0"))
    assert known.settled(("gate", "99"))


def test_figures_go_to_the_server_and_what_is_zero_is_left_out(server, path, monkeypatch):
    monkeypatch.setattr(uploader, "REPORT_EVERY", 0.3)
    outbox = Outbox(Server(server.url, KEY), path)
    outbox.observe(
        lambda: NodeStats(
            (CameraStats(camera="entrance", frames_per_second=5.98, last_crop_at=TAKEN), CameraStats(camera="gate"))
        )
    )
    wait_until(lambda: len(server.heartbeats) > 1, "heartbeats")
    figures = server.heartbeats[-1].node
    assert figures["cameras"] == [
        {"camera": "entrance", "frames_per_second": 6.0, "last_crop_at": "2026-11-23T04:00:00Z"}, {"camera": "gate"},
    ]  # fmt: skip
    assert figures["version"]
    assert "queued" not in figures
    outbox.close(0)


def test_times_are_told_by_the_servers_clock(outbox):
    camera = CameraStats(camera="entrance", last_crop_at=TAKEN)
    status = replace(outbox.status(), clock_offset_s=-3600.0)
    (told,) = figures.report(NodeStats((camera,)), status)["cameras"]
    assert told == {"camera": "entrance", "last_crop_at": "2026-11-23T03:00:00Z"}


def test_figures_ride_along_at_most_once_a_minute(server, outbox):
    for number in range(3):
        outbox.submit(crop(number))
        wait_until(lambda: len(server.stored) > number, "delivery")  # noqa: B023
    assert [upload.node for upload in server.uploads] == [None, None, None]
    assert len(server.heartbeats) == 1


def test_changed_settings_on_the_server_show_in_the_status(server, path, monkeypatch):
    monkeypatch.setattr(uploader, "REPORT_EVERY", 0.2)
    outbox = Outbox(Server(server.url, KEY), path)
    wait_until(lambda: outbox.status().settings_version == "1", "the version")
    server.settings_version = "2"
    wait_until(lambda: outbox.status().settings_version == "2", "the new version")
    outbox.close(0)


def test_disk_that_cannot_be_written_costs_the_crop_and_not_the_camera(outbox, server, monkeypatch, caplog):
    def full(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Spool, "add", full)
        for _ in range(20):
            outbox.submit(crop())
    assert outbox.status().dropped == 20
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1
    assert "disk is full" in caplog.text
    outbox.submit(crop())
    wait_until(lambda: server.stored, "delivery")


def test_full_spool_counts_what_it_let_go(server, path):
    server.answers += [Reply(503, headers={"Retry-After": "60"})]
    outbox = Outbox(Server(server.url, KEY), path, 200_000)
    for _ in range(100):
        outbox.submit(crop(image=bytes(3000)))
    status = outbox.status()
    assert status.dropped > 0
    assert status.queued + status.dropped == 100
    assert status.spool_bytes <= 200_000
    outbox.close(0)


def test_reader_of_a_file_waits_until_there_is_room(server, outbox, monkeypatch):
    monkeypatch.setattr("edge_client.outbox.ROOM", 3)
    tried = threading.Event()
    server.answers += [lambda _: tried.wait(20) and Reply(202)]
    for number in range(3):
        outbox.submit(crop(number))
    assert not outbox.wait_for_room(0.05)
    tried.set()
    assert outbox.wait_for_room(10)


def test_submitting_does_not_wait_for_the_network(server, outbox):
    submitted = threading.Event()
    waited = []
    server.answers += [lambda _: waited.append(submitted.wait(20)) or Reply(202)]
    outbox.submit(crop(1))
    wait_until(lambda: server.uploads, "the request")
    for number in range(10):
        outbox.submit(crop(number))
    submitted.set()
    wait_until(lambda: waited, "the answer")
    assert waited == [True]


def test_idle_node_uses_no_processor_time(server, outbox):
    before = time.process_time()
    time.sleep(1)
    assert time.process_time() - before < 0.05


@pytest.mark.parametrize("count", [1, 8, 32])
def test_a_crop_costs_less_than_thirty_bytes_beside_its_image(count):
    crops = []
    for number in range(count):
        one = crop(number, captured_at=TAKEN + timedelta(milliseconds=331 * number), track=f"{number:08x}")
        crops.append(replace(one, id=bundle.content_id(one.camera, one.track, one.image)))
    _, body = bundle.pack(crops)
    assert len(body) - sum(len(one.image) for one in crops) < 30 + 25 * count

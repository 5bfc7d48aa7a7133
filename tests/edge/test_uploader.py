"""Every crop reaches the server once, over one connection, whatever the server and the network do meanwhile."""

import logging
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from edge_client import backoff
from edge_client.server import MAX_BATCH, Crop, RefusedError, Server, UnavailableError
from edge_client.uploader import Uploader
from tests.edge.conftest import KEY, Reply, Upload


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(backoff, "FIRST", 0.01)


def crop(number: int = 0, **changes) -> Crop:
    settings = {
        "camera": "entrance", "captured_at": datetime(2026, 11, 23, 4, 0, 0, 123456, tzinfo=UTC),
        "box": (10.04, 20, 60, 80), "frame_size": (640, 480), "track": f"track-{number}", "confidence": 0.98765,
        "image": b"\xff\xd8\xff" + bytes([number % 256]) * 300, "codec": "jpeg",
    }  # fmt: skip
    return Crop(**settings | changes)


@pytest.fixture
def uploader(server):
    uploader = Uploader(Server(server.url, KEY), linger=0.05)
    yield uploader
    uploader.close(0)


def deliver(uploader: Uploader, crops: list[Crop], *, seconds: float = 20) -> int:
    for item in crops:
        uploader.submit(item)
    return uploader.close(seconds)


def test_crop_arrives_as_the_api_wants_it(server, uploader):
    one, other = crop(), crop(codec="webp", captured_at=datetime(2026, 11, 23, 6, tzinfo=UTC))
    assert deliver(uploader, [one, other]) == 0
    (upload,) = server.uploads
    assert upload.crops[0] == {
        "id": one.id, "camera": "entrance", "captured_at": "2026-11-23T04:00:00.123Z", "box": [10.0, 20, 60, 80],
        "frame_size": [640, 480], "track": "track-0", "confidence": 0.9877,
    }  # fmt: skip
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one.id)
    assert upload.images == {one.id: one.image, other.id: other.image}
    assert upload.types == {one.id: "image/jpeg", other.id: "image/webp"}


def test_many_batches_travel_on_one_connection(server, uploader):
    crops = [crop(number) for number in range(5 * MAX_BATCH)]
    assert deliver(uploader, crops) == 0
    assert list(server.stored) == [item.id for item in crops]
    assert len(server.uploads) >= 5
    assert max(len(upload.crops) for upload in server.uploads) == MAX_BATCH
    assert server.connections == 1


def test_crops_of_one_moment_share_a_request(server):
    uploader = Uploader(Server(server.url, KEY), linger=1)
    for number in range(6):
        uploader.submit(crop(number))
        time.sleep(0.01)
    assert uploader.close(20) == 0
    assert [len(upload.crops) for upload in server.uploads] == [6]


def test_redirect_is_told_and_not_followed(server):
    server.answers.append(Reply(301, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(UnavailableError, match=r"answered 301, moved to https://elsewhere\.example/"):
        Server(server.url, KEY).store([crop()])


@pytest.mark.parametrize("status", [500, 502, 408, 404])
def test_failed_batch_is_sent_again_with_the_same_ids(server, uploader, status, caplog):
    server.answers += [Reply(status, "<html>"), Reply(status, {"detail": "later"})]
    assert deliver(uploader, [crop(), crop()]) == 0
    first, second, third = server.uploads
    assert first.ids == second.ids == third.ids
    assert uploader.sent == 2
    assert f"answered {status}" in caplog.text


def test_dropped_connection_is_made_again_and_nothing_is_lost_or_doubled(server, uploader):
    server.answers += [Reply(0), Reply(0)]
    one = crop()
    assert deliver(uploader, [one]) == 0
    assert [upload.ids for upload in server.uploads] == [[one.id]] * 3
    assert uploader.sent == 1


def test_box_is_told_as_far_as_it_lies_in_the_frame():
    assert crop(box=(-8.0, 400, 60, 500), frame_size=(640, 480)).metadata()["box"] == [0, 400, 60, 480]


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_respected(server, uploader, status, form):
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    server.answers.append(Reply(status, headers={"Retry-After": "1" if form == "seconds" else moment}))
    started = time.monotonic()
    assert deliver(uploader, [crop()]) == 0
    assert 0.9 < time.monotonic() - started < 4
    assert len(server.uploads) == 2


def test_answer_that_is_no_receipt_does_not_count_as_delivered(server, uploader):
    server.answers += [Reply(200, "<html>hotel login</html>"), Reply(200, {}), Reply(202, "not json"), Reply(202, "[]")]
    assert deliver(uploader, [crop()]) == 0
    assert len(server.uploads) == 5
    assert uploader.sent == 1


def test_rejected_crops_of_an_accepted_batch_are_dropped_with_the_servers_reason(server, uploader, caplog):
    crops = [crop(number) for number in range(3)]
    verdict = {"id": crops[1].id, "code": "clock", "detail": "captured in\nthe future"}
    server.answers.append(Reply(202, {"rejected": [verdict]}))
    assert deliver(uploader, crops) == 0
    assert (uploader.sent, uploader.rejected, len(server.uploads)) == (2, 1, 1)
    assert f"rejected crop {crops[1].id}: clock: captured in the future" in caplog.text


def test_batch_refused_for_some_crops_is_sent_again_without_them(server, uploader):
    crops = [crop(number) for number in range(4)]
    verdicts = [{"id": item.id, "code": "bad", "detail": "no"} for item in crops[1:3]]
    server.answers.append(Reply(400, {"title": "Bad", "detail": "2 crops", "rejected": verdicts}))
    assert deliver(uploader, crops) == 0
    assert server.uploads[-1].ids == [crops[0].id, crops[3].id]
    assert (uploader.sent, uploader.rejected) == (2, 2)


@pytest.mark.parametrize(
    "reply", [Reply(400, {"detail": "something is wrong"}), Reply(413, "<html>too large</html>")], ids=["400", "413"]
)
def test_single_bad_crop_is_found_when_the_server_does_not_name_it(server, uploader, reply):
    crops = [crop(number) for number in range(8)]

    def judge(upload: Upload) -> Reply:
        return reply if crops[5].id in upload.ids else Reply(202)

    server.answers += [judge] * 20
    assert deliver(uploader, crops) == 0
    assert set(server.stored) == {item.id for item in crops} - {crops[5].id}
    assert (uploader.sent, uploader.rejected) == (7, 1)


def test_fault_of_the_program_does_not_go_unnoticed(server, uploader):
    deliver(uploader, [crop(confidence="high")])
    assert isinstance(uploader.failure, TypeError)
    assert uploader.queued == 1


@pytest.mark.parametrize("status", [401, 403])
def test_refused_key_stops_the_uploader(server, uploader, status):
    server.answers.append(Reply(status, {"detail": "no"}))
    started = time.monotonic()
    assert deliver(uploader, [crop(), crop()]) == 2
    assert time.monotonic() - started < 3
    assert isinstance(uploader.failure, RefusedError)
    assert str(status) in str(uploader.failure)
    assert len(server.uploads) == 1


def test_closing_gives_up_in_time_and_counts_what_is_left(server, uploader):
    server.answers += [Reply(503, headers={"Retry-After": "60"})] * 5
    started = time.monotonic()
    assert deliver(uploader, [crop(number) for number in range(40)], seconds=0.5) == 40
    assert time.monotonic() - started < 2


def test_full_queue_drops_the_oldest(server):
    gate = threading.Event()

    def hold(_upload: Upload) -> Reply:
        gate.wait(10)
        return Reply(202)

    server.answers.append(hold)
    uploader = Uploader(Server(server.url, KEY), capacity=3, linger=0)
    crops = [crop(number) for number in range(6)]
    uploader.submit(crops[0])
    while not server.uploads:
        time.sleep(0.01)
    for item in crops[1:]:
        uploader.submit(item)
    assert not uploader.wait_for_room(0.05)
    gate.set()
    assert uploader.wait_for_room(10)
    assert uploader.close(10) == 0
    assert list(server.stored) == [item.id for item in (crops[0], *crops[3:])]
    assert (uploader.sent, uploader.dropped) == (4, 2)


def test_unreachable_server_is_named_with_the_cause():
    with pytest.raises(UnavailableError, match=r"cannot reach http://127.0.0.1:9/api/v1: .*Connection refused"):
        Server("http://127.0.0.1:9", KEY).store([crop()])


@pytest.mark.parametrize("value", ["-5", "soon", "", "1e9", "Mon, 99 Nov 2026 99:00:00 GMT"])
def test_senseless_retry_after_is_ignored(server, value):
    server.answers.append(Reply(503, headers={"Retry-After": value}))
    with pytest.raises(UnavailableError) as caught:
        Server(server.url, KEY).store([crop()])
    assert caught.value.retry_after == 0


def test_camera_is_found_on_any_page(server):
    server.cameras, server.page_size = [f"camera-{number}" for number in range(7)], 3
    Server(server.url, KEY).check_camera("camera-6")
    with pytest.raises(RefusedError, match="no camera 'garage' for this key; cameras: camera-0, camera-1"):
        Server(server.url, KEY).check_camera("garage")


def test_netrc_file_does_not_replace_the_key(server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert Server(server.url, KEY).store([crop()]).stored


def test_key_is_in_no_log_line(server, uploader, caplog):
    caplog.set_level(logging.DEBUG)
    server.answers += [Reply(500), Reply(0)]
    deliver(uploader, [crop()])
    assert caplog.records
    assert KEY not in caplog.text

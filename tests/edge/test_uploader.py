"""Every crop reaches the server once, over one connection, whatever the server and the network do meanwhile."""

import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from edge_client import backoff, uploader
from edge_client.bundle import Crop
from edge_client.clock import steady
from edge_client.figures import NodeStats
from edge_client.outbox import Outbox
from edge_client.server import MAX_BATCH, Receipt, RefusedError, Server, UnavailableError
from tests.edge.conftest import KEY, Reply, Upload
from tests.edge.crops import crop
from tests.servers import wait_until


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(backoff, "FIRST", 0.01)


@pytest.fixture
def always_reporting(monkeypatch):
    monkeypatch.setattr(uploader, "REPORT_EVERY", 0)


@pytest.fixture
def outbox(server, tmp_path):
    outbox = Outbox(Server(server.url, KEY), tmp_path / "spool.sqlite3")
    yield outbox
    outbox.close(0)


def deliver(outbox: Outbox, crops: list[Crop], *, seconds: float = 20) -> int:
    for item in crops:
        outbox.submit(item)
    return outbox.close(seconds)


def test_crop_arrives_as_the_api_wants_it(server, outbox):
    one, other = crop(), crop(codec="webp", box=None, frame_size=None, confidence=None, image=b"RIFF....WEBP")
    assert deliver(outbox, [one, other]) == 0
    (upload,) = server.uploads
    assert upload.crops == [
        {
            "id": one.id, "camera": "entrance", "track": "track-0", "captured_at": "2026-11-23T04:00:00.123Z",
            "box": [10, 20, 60, 80], "frame_size": [640, 480], "confidence": 0.988,
        },
        {
            "id": other.id, "camera": "entrance", "track": "track-0", "captured_at": "2026-11-23T04:00:00.123Z",
        },
    ]  # fmt: skip
    assert upload.images == {one.id: one.image, other.id: other.image}


def test_headers_are_few(server, outbox):
    deliver(outbox, [crop()])
    names = {"Host", "Content-Length", "Authorization"}
    assert set(server.uploads[0].headers) == names


def test_many_batches_travel_on_one_connection(server, outbox):
    crops = [crop(number) for number in range(5 * MAX_BATCH)]
    assert deliver(outbox, crops) == 0
    assert list(server.stored) == [item.id for item in crops]
    assert 5 <= len(server.uploads) <= 20
    assert max(len(upload.crops) for upload in server.uploads) <= MAX_BATCH
    assert server.connections == 1


def test_redirect_is_told_and_not_followed(server):
    server.answers.append(Reply(301, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(UnavailableError, match=r"answered 301, moved to https://elsewhere\.example/"):
        Server(server.url, KEY).store([crop()])


@pytest.mark.parametrize("status", [500, 502, 408, 404])
def test_failed_batch_is_sent_again_with_the_same_ids(server, outbox, status, caplog):
    caplog.set_level(logging.INFO)
    server.answers += [Reply(status, "<html>"), Reply(status, {"detail": "later"})]
    assert deliver(outbox, [crop(), crop()]) == 0
    *failed, last = server.uploads
    assert len(failed) == 2
    assert {name for upload in failed for name in upload.ids} <= set(last.ids)
    assert outbox.status().sent == 2
    assert f"answered {status}" in caplog.text
    assert "the server answers again" in caplog.text
    assert outbox.status().last_error == ""


def test_dropped_connection_is_made_again_and_nothing_is_lost_or_doubled(server, outbox):
    server.answers += [Reply(0), Reply(0)]
    one = crop()
    assert deliver(outbox, [one]) == 0
    assert [upload.ids for upload in server.uploads] == [[one.id]] * 3
    assert outbox.status().sent == 1


def test_box_is_told_as_far_as_it_lies_in_the_frame(server, outbox):
    deliver(outbox, [crop(box=(-8.0, 400, 60, 500), frame_size=(640, 480))])
    assert server.uploads[0].crops[0]["box"] == [0, 400, 60, 480]


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_respected(server, outbox, status, form):
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    server.answers.append(Reply(status, headers={"Retry-After": "1" if form == "seconds" else moment}))
    started = time.monotonic()
    assert deliver(outbox, [crop()]) == 0
    assert 0.9 < time.monotonic() - started < 4
    assert len(server.uploads) == 2


def test_retry_after_as_a_date_is_told_by_the_servers_clock(server):
    server.dates = ["Mon, 23 Nov 2026 08:00:00 GMT"]
    server.answers.append(Reply(503, headers={"Retry-After": "Mon, 23 Nov 2026 08:00:07 GMT"}))
    with pytest.raises(UnavailableError) as caught:
        Server(server.url, KEY).store([crop()])
    assert caught.value.retry_after == 7


def test_answer_that_is_no_receipt_does_not_count_as_delivered(server, outbox):
    server.answers += [Reply(200, "<html>hotel login</html>"), Reply(204), Reply(202, "not json"), Reply(202, "[]")]
    assert deliver(outbox, [crop()]) == 0
    assert len(server.uploads) == 5
    assert outbox.status().sent == 1


def test_only_the_server_tells_the_time(server):
    """A login page or a router on the way may have any: crops would be taken for those of another day."""
    one = Server(server.url, KEY)
    one.heartbeat({}, {})
    for reply in (Reply(200, "<html>hotel login</html>"), Reply(503), Reply(302, headers={"Location": "/login"})):
        server.answers.append(reply)
        server.dates = ["Thu, 01 Jan 1970 00:00:05 GMT"]
        with pytest.raises(UnavailableError):
            one.store([crop()])
        assert not server.dates
        assert abs(one.clock.offset) < 2
    server.stranger = True
    server.dates = ["Thu, 01 Jan 1970 00:00:05 GMT"]
    one.heartbeat({}, {})
    assert abs(one.clock.offset) < 2
    server.stranger = False
    server.dates = ["Thu, 01 Jan 99999999999 00:00:00 GMT"]
    one.heartbeat({}, {})
    assert abs(one.clock.offset) < 2


def test_rejected_crops_of_an_accepted_batch_are_dropped_with_the_servers_reason(server, outbox, caplog):
    crops = [crop(number) for number in range(3)]
    verdict = {"id": crops[1].id, "code": "clock", "detail": "captured in\nthe future"}
    server.answers.append(Reply(202, {"rejected": [verdict]}))
    assert deliver(outbox, crops) == 0
    assert (outbox.status().sent, outbox.status().rejected, len(server.uploads)) == (2, 1, 1)
    assert f"rejected crop {crops[1].id}: clock: captured in the future" in caplog.text


def test_batch_refused_for_some_crops_is_sent_again_without_them(server, outbox):
    crops = [crop(number) for number in range(4)]
    verdicts = [{"id": item.id, "code": "bad", "detail": "no"} for item in crops[1:3]]
    server.answers.append(Reply(400, {"title": "Bad", "detail": "2 crops", "rejected": verdicts}))
    assert deliver(outbox, crops) == 0
    assert server.uploads[-1].ids == [crops[0].id, crops[3].id]
    assert (outbox.status().sent, outbox.status().rejected) == (2, 2)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, {"detail": "something is wrong"}),
        Reply(409, {"detail": "no"}),
        Reply(413, "<html>too large</html>"),
        Reply(422, {"detail": "another image has this id"}),
    ],
    ids=["400", "409", "413", "422"],
)
def test_single_bad_crop_is_found_when_the_server_does_not_name_it(server, outbox, reply):
    crops = [crop(number) for number in range(8)]

    def judge(upload: Upload) -> Reply:
        return reply if crops[5].id in upload.ids else Reply(202)

    server.answers += [judge] * 20
    assert deliver(outbox, crops) == 0
    assert set(server.stored) == {item.id for item in crops} - {crops[5].id}
    assert (outbox.status().sent, outbox.status().rejected) == (7, 1)


def test_figures_that_the_server_cannot_read_cost_no_crop(always_reporting, server, outbox):
    def judge(upload: Upload) -> Reply:
        return Reply(400, {"detail": "node: what is this?"}) if upload.node else Reply(202)

    server.answers += [judge] * 10
    outbox.submit(crop())
    wait_until(lambda: outbox.status().sent, "delivery")
    server.answers += [judge] * 10
    outbox.submit(crop())
    wait_until(lambda: outbox.status().sent == 2, "delivery")
    assert outbox.status().rejected == 0


def test_server_that_takes_no_crops_hears_that_the_node_is_there(server, outbox, monkeypatch):
    wait_until(lambda: server.heartbeats, "the first heartbeat")
    monkeypatch.setattr(uploader, "REPORT_EVERY", 1.0)
    server.answers += [Reply(503)] * 10_000
    outbox.submit(crop())
    outbox._uploader._report_at = steady()
    wait_until(lambda: len(server.heartbeats) == 4, "heartbeats")
    assert len(server.uploads) > 4
    assert [one.node.get("queued") for one in server.heartbeats[1:]] == [1, 1, 1]
    assert "answered 503" in server.heartbeats[-1].node["last_error"]
    server.answers.clear()
    assert outbox.close(20) == 0


def test_node_that_is_not_heard_either_does_not_ask_more_often(server, outbox, monkeypatch, caplog):
    wait_until(lambda: server.heartbeats, "the first heartbeat")
    store, tried = outbox._server.store, []

    def store_when_a_report_is_due(*said: object) -> Receipt:
        if not tried:
            outbox._uploader._report_at = steady()
        return store(*said)

    def away(*_: object) -> None:
        tried.append(1)
        raise UnavailableError("no heartbeat")

    monkeypatch.setattr(outbox._server, "store", store_when_a_report_is_due)
    monkeypatch.setattr(outbox._server, "heartbeat", away)
    server.answers += [Reply(503)] * 5
    assert deliver(outbox, [crop()]) == 0
    assert (len(server.uploads), len(tried)) == (6, 1)
    assert "answered 503; trying again" in caplog.text
    assert "no heartbeat" not in caplog.text


def test_fault_of_the_program_is_logged_and_does_not_end_delivery(always_reporting, outbox, caplog):
    faults = iter([ZeroDivisionError("a fault"), ZeroDivisionError("a fault")])

    def faulty() -> NodeStats:
        for fault in faults:
            raise fault
        return NodeStats()

    outbox.observe(faulty)
    outbox.submit(crop())
    wait_until(lambda: outbox.status().sent, "delivery")
    outbox.submit(crop())
    assert outbox.close(20) == 0
    assert "delivery failed" in caplog.text
    assert "a fault" in caplog.text


def test_an_empty_answer_that_names_no_tracks_is_not_the_servers_and_costs_no_crop(server, outbox):
    server.answers.append(Reply(202, headers={"Tracks": ""}))
    assert deliver(outbox, [crop()]) == 0
    assert len(server.uploads) == 2


def test_answer_of_another_shape_harms_nothing(server, outbox):
    server.answers.append(Reply(202, {"rejected": [{"id": ["odd"]}, 5]}, {"Tracks": "?" * 300}))
    assert deliver(outbox, [crop()]) == 0
    assert outbox.status().sent == 1


@pytest.mark.parametrize("status", [401, 403])
def test_refused_key_stops_sending_but_not_keeping_and_is_tried_again(server, outbox, status, caplog, monkeypatch):
    monkeypatch.setattr(uploader, "REFUSED_PAUSE", 1.0)
    server.answers += [Reply(status, {"detail": "no"})] * 2
    outbox.submit(crop())
    wait_until(lambda: outbox.status().refused, "the refusal")
    outbox.submit(crop())
    assert outbox.status().queued == 2
    wait_until(lambda: not outbox.status().refused, "delivery")
    assert outbox.status().sent == 2
    assert str(status) in caplog.text
    assert len(server.uploads) == 3
    assert outbox.close(0) == 0


def test_closing_with_a_refused_key_does_not_wait(server, outbox):
    server.answers += [Reply(401, {"detail": "no"})] * 2
    outbox.submit(crop())
    wait_until(lambda: outbox.status().refused, "the refusal")
    started = time.monotonic()
    assert outbox.close(30) == 1
    assert time.monotonic() - started < 10


def test_closing_gives_up_in_time_and_counts_what_is_left(server, outbox):
    server.answers += [Reply(503, headers={"Retry-After": "60"})] * 5
    started = time.monotonic()
    assert deliver(outbox, [crop(number) for number in range(40)], seconds=0.5) == 40
    assert time.monotonic() - started < 10


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


def test_node_learns_its_cameras_and_their_settings(server):
    node = Server(server.url, KEY).node()
    assert (node.name, node.settings_version) == ("node", "1")
    assert [(camera.id, camera.is_active, camera.settings) for camera in node.cameras] == [("entrance", True, {})]


def test_netrc_file_does_not_replace_the_key(server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert Server(server.url, KEY).store([crop()]).stored


def test_key_is_in_no_log_line(server, outbox, caplog):
    caplog.set_level(logging.DEBUG)
    server.answers += [Reply(500), Reply(0)]
    deliver(outbox, [crop()])
    assert caplog.records
    assert KEY not in caplog.text

"""The message folder of an embedded installation: no reader ever finds half of anything."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection
from kombu.exceptions import ChannelError

from facesite import env
from facesite.folder_broker import Channel

OpenChannel = Callable[[], Channel]


@pytest.fixture
def open_channel(tmp_path: Path) -> OpenChannel:
    """Each as a process of its own would have it."""
    options = env.broker("filesystem://", tmp_path)

    def make() -> Channel:
        return Connection(
            options["broker_url"],
            transport=options["broker_transport"],
            transport_options=options["broker_transport_options"],
        ).channel()

    return make


def drain(channel: Channel, queue: str) -> list[dict]:
    found = []
    while True:
        try:
            found.append(channel._get(queue))
        except Empty:
            return found


def test_messages_written_and_read_at_once_all_arrive_whole(open_channel: OpenChannel) -> None:
    count, writers = 50, 3

    def write(writer: int) -> None:
        channel = open_channel()
        for number in range(count):
            channel._put("work", {"writer": writer, "number": number})

    def read() -> list[dict]:
        channel, found = open_channel(), []
        while not written.done():
            found += drain(channel, "work")
        return found

    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, writer) for writer in range(writers)]
        written = writing[-1]
        found = [message for reading in [pool.submit(read)] for message in reading.result()]
    found += drain(open_channel(), "work")
    expected = {(writer, number) for writer in range(writers) for number in range(count)}
    assert sorted((one["writer"], one["number"]) for one in found) == sorted(expected)


def test_queues_bound_at_once_are_all_in_the_table(open_channel: OpenChannel) -> None:
    names = {f"queue{number}" for number in range(20)}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: open_channel()._queue_bind("fan", "", "", name), names))
    assert {row.queue for row in open_channel().get_table("fan")} == names
    open_channel()._delete("queue1", "fan", "", "")
    assert {row.queue for row in open_channel().get_table("fan")} == names - {"queue1"}


def test_what_a_crash_left_half_written_is_passed_over(open_channel: OpenChannel, tmp_path: Path) -> None:
    channel = open_channel()
    (tmp_path / "broker" / "0_torn.work.msg").write_text('{"body": "')
    channel._put("work", {"number": 1})
    assert drain(channel, "work") == [{"number": 1}]
    (tmp_path / "broker-control" / "fan.exchange").write_text("")
    assert channel.get_table("fan") == []
    channel._queue_bind("fan", "", "", "mine")
    assert [row.queue for row in channel.get_table("fan")] == ["mine"]


def test_a_full_disk_leaves_nothing_behind(
    open_channel: OpenChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(path: Path, _: str) -> None:
        path.touch()
        raise OSError(28, "No space left on device")

    channel = open_channel()
    monkeypatch.setattr(Path, "write_text", fill)
    with pytest.raises(ChannelError):
        channel._put("work", {"number": 1})
    assert list((tmp_path / "broker").iterdir()) == []

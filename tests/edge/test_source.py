"""Files give all their frames with the times they were taken; live playing gives the newest; damage is said clearly."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_client import backoff
from edge_client.settings import public_name
from edge_client.source import Frame, FrameGate, Source, SourceError, open_frames
from tests.edge.conftest import write_video


def read(source, **options) -> list[Frame]:
    return list(open_frames(source, threading.Event(), **options))


@pytest.fixture
def slow_video(tmp_path) -> Path:
    path = tmp_path / "slow.mp4"
    write_video(path, levels=(0, 10, 20), fps=2)
    return path


def level(frame: Frame) -> int:
    return round(frame.image.mean() / 8)


def test_file_gives_every_frame_in_order(video):
    frames = read(video)
    assert [level(frame) for frame in frames] == list(range(30))
    assert frames[0].image.shape == (120, 160, 3)


def test_recorded_frames_carry_the_time_they_were_taken(video):
    finished = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    os.utime(video, (finished.timestamp(), finished.timestamp()))
    frames = read(video)
    assert frames[0].captured_at == finished - timedelta(seconds=3)
    assert [round(frame.seconds, 3) for frame in frames] == [number / 10 for number in range(30)]
    assert all(
        abs((frame.captured_at - frames[0].captured_at).total_seconds() - frame.seconds) < 1e-3 for frame in frames
    )


def test_file_dated_in_the_future_yields_no_future_frames(video):
    os.utime(video, (time.time() + 9e6, time.time() + 9e6))
    assert read(video)[-1].captured_at <= datetime.now(UTC)


def test_absurd_length_in_a_damaged_file_does_not_move_its_frames_into_the_past(video):
    whole = bytearray(video.read_bytes())
    count = whole.index(b"stts") + 12  # of frames, in the container's table of their durations
    whole[count : count + 4] = (0x7FFF_FFFF).to_bytes(4, "big")
    video.write_bytes(whole)
    frames = read(video)
    assert len(frames) == 30
    assert all(datetime.now(UTC) - frame.captured_at < timedelta(minutes=5) for frame in frames)


def test_realtime_file_plays_at_its_own_pace(video):
    started = time.monotonic()
    frames = read(video, realtime=True)
    assert 2.8 < time.monotonic() - started < 6
    assert len(frames) > 20
    assert (datetime.now(UTC) - frames[-1].captured_at).total_seconds() < 2


def test_slow_reader_of_a_live_source_gets_the_newest_frame_and_no_lag(video):
    seen = []
    for frame in open_frames(video, threading.Event(), realtime=True):
        seen.append((level(frame), (datetime.now(UTC) - frame.captured_at).total_seconds()))
        time.sleep(0.5)
    assert 4 <= len(seen) <= 9
    assert max(age for _, age in seen) < 1
    assert seen == sorted(seen, key=lambda item: item[0])
    assert seen[-1][0] == 29  # the last frame is not lost


def test_slow_camera_is_waited_for(slow_video):
    frames = read(slow_video, realtime=True)
    assert [level(frame) for frame in frames] == [0, 10, 20]


def test_loop_plays_on_until_stopped(video):
    stop = threading.Event()
    levels = []
    for frame in open_frames(video, stop, realtime=True, loop=True):
        levels.append(level(frame))
        if levels != sorted(levels):
            stop.set()
    assert levels[-1] < 5
    assert levels[-2] > 25


@pytest.mark.parametrize("content", [b"", b"not a video at all", b"\x00" * 5000], ids=["empty", "text", "zeros"])
@pytest.mark.parametrize("realtime", [False, True])
def test_file_that_is_no_video_is_a_clear_error(tmp_path, content, realtime):
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"cannot open .*broken\.mp4: is it a video\?"):
        read(path, realtime=realtime)


def test_video_with_a_damaged_end_gives_what_can_be_read_and_a_warning(video, tmp_path, caplog):
    whole = bytearray(video.read_bytes())
    start = whole.index(b"mdat") + 4
    middle = start + (whole.index(b"moov") - start) // 2
    whole[middle : whole.index(b"moov") - 4] = b"\xff" * (whole.index(b"moov") - 4 - middle)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(whole)
    frames = read(path)
    assert 5 < len(frames) < 28
    assert "is damaged" in caplog.text


def test_missing_webcam_is_a_clear_error():
    with pytest.raises(SourceError, match="cannot open webcam 63: is the webcam plugged in"):
        read(63)


def test_unreachable_stream_is_a_clear_error_without_its_password(capfd):
    with pytest.raises(SourceError, match="is the address right, and the camera reachable") as caught:
        read("http://viewer:secret@127.0.0.1:9/stream")
    assert "secret" not in str(caught.value) + capfd.readouterr().err


def test_lost_stream_is_connected_again(video, web_root, monkeypatch, caplog):
    monkeypatch.setattr(backoff, "FIRST", 0.01)
    stop = threading.Event()
    levels = []
    for frame in open_frames(f"{web_root}/{video.name}", stop):
        levels.append(level(frame))
        if levels.count(29) == 2:
            stop.set()
        time.sleep(0.001)
    assert f"lost {web_root}/{video.name}; connecting again" in caplog.text


def test_camera_that_returns_with_another_resolution_is_seen_in_that(video, web_root, monkeypatch):
    monkeypatch.setattr(backoff, "FIRST", 0.01)
    other = video.with_name("other.mp4")
    write_video(other, levels=range(30), fps=10, width=320, height=180)
    stop = threading.Event()
    shapes = []
    for frame in Source(f"{web_root}/{video.name}", stop):
        if not shapes:
            other.replace(video)
        shapes.append(frame.image.shape[:2])
        if len(shapes) == 40:
            stop.set()
    assert shapes == [(120, 160)] * 30 + [(180, 320)] * 10


def test_public_name_hides_credentials():
    assert public_name("rtsp://viewer:pa%40ss@10.0.0.7:554/ch1?token=t") == "rtsp://10.0.0.7:554/ch1"
    assert public_name("http://10.0.0.7/video?user=a&password=p@ss") == "http://…"
    assert public_name(0) == "webcam 0"


@pytest.mark.parametrize("password", ["pa#ss", "pa/ss", "pa?ss", "pa@ss", "pa[ss", "pa:ss", "pa]/?#@ss"])
def test_public_name_hides_a_password_that_is_not_escaped(password):
    assert public_name(f"rtsp://viewer:{password}@10.0.0.7/ch1") in {"rtsp://10.0.0.7/ch1", "rtsp://…"}


@pytest.mark.parametrize(
    "path",
    [
        "user=admin&password=s3cret&channel=1&stream=0.sdp?real_stream",
        "user=admin_password=s3cret_channel=1_stream=0.sdp",
        "snapshot;user=admin;pwd=s3cret",
        "live/user=admin/password=s3cret",
        "0/admin:s3cret/main",
    ],
)
def test_public_name_hides_a_password_in_the_path(path):
    assert public_name(f"rtsp://10.0.0.7:554/{path}") == "rtsp://10.0.0.7:554/…"


def test_picture_that_opencv_cannot_take_is_a_lost_connection(mjpeg, monkeypatch):
    stop, opened = threading.Event(), []

    class Capture:
        def __init__(self, *place):
            self._capture = opener(*place)
            opened.append(self)

        def __getattr__(self, name):
            return getattr(self._capture, name)

        def retrieve(self):
            if len(opened) == 1:
                cv2.imdecode(np.empty((1, 0), np.uint8), cv2.IMREAD_COLOR)
            return self._capture.retrieve()

    opener = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    monkeypatch.setattr(backoff, "FIRST", 0.05)
    frames = iter(Source(mjpeg, stop, patient=True))
    assert next(frames).image.size
    assert len(opened) == 2
    stop.set()


def admitted(gate: FrameGate, times: list[float]) -> list[int]:
    return [number for number, at in enumerate(times) if gate.admits(at)]


def test_gate_lets_everything_pass_by_default():
    assert admitted(FrameGate(0, None), [0, 0.1, 0.2]) == [0, 1, 2]


def test_gate_skips_frames_between_two():
    assert admitted(FrameGate(2, None), [number / 10 for number in range(8)]) == [0, 3, 6]


@given(
    fps=st.floats(5, 60), target=st.floats(0.5, 60), jitter=st.lists(st.floats(-0.2, 0.2), min_size=200, max_size=200)
)
def test_gate_keeps_to_the_target_rate(fps, target, jitter):
    times = [(number + shake) / fps for number, shake in enumerate(jitter)]
    count = len(admitted(FrameGate(0, target), times))
    wanted = min(200, 200 / fps * target)
    assert count <= wanted + 2
    if target < fps / 2:
        assert count >= wanted * 0.8 - 1


def test_gate_does_not_catch_up_after_a_pause():
    times = [0, 0.1, 0.2, 10.0, 10.1, 10.2, 10.3]
    assert admitted(FrameGate(0, 5), times) == [0, 2, 3, 5]


def test_frames_that_are_not_wanted_are_counted_and_not_given(video):
    source = Source(video, threading.Event(), target_fps=5)
    assert len(list(source)) == 15
    assert source.frames == 30
    assert source.video_bytes == pytest.approx(video.stat().st_size, rel=0.5)  # the rest is the container's


def test_looped_file_keeps_to_the_target_rate(video):
    stop = threading.Event()
    moments = []
    for frame in Source(video, stop, target_fps=2, realtime=True, loop=True):
        moments.append(frame.seconds)
        if len(moments) == 9:
            stop.set()
    assert 3.4 < moments[-1] - moments[0] < 6  # more than one round of three seconds


def test_patient_source_waits_for_a_camera_that_is_not_there_yet(video, web_root, monkeypatch, caplog):
    monkeypatch.setattr(backoff, "FIRST", 0.05)
    hidden = video.rename(video.with_suffix(".later"))
    stop = threading.Event()
    source = Source(f"{web_root}/{video.name}", stop, patient=True)
    threading.Timer(0.3, hidden.rename, [video]).start()
    for frame in source:
        assert source.connected
        if level(frame) == 5:
            stop.set()
    assert f"cannot open {web_root}/{video.name}" in caplog.text


def test_multipart_jpeg_stream_is_read(mjpeg):
    stop = threading.Event()
    seen = []
    for frame in Source(mjpeg, stop):
        seen.append(frame.image.shape)
        if len(seen) == 5:
            stop.set()
    assert seen == [(120, 160, 3)] * 5


def test_video_that_changes_its_size_is_read_on(tmp_path):
    path = tmp_path / "changing.mjpeg"
    sizes = [(120, 160)] * 5 + [(240, 320)] * 5
    pictures = [cv2.imencode(".jpg", np.full((*size, 3), 90, np.uint8))[1].tobytes() for size in sizes]
    path.write_bytes(b"".join(pictures))
    frames = read(path)
    assert len(frames) == 10
    assert {frame.image.shape for frame in frames} == {(120, 160, 3)}  # the library scales what follows to the first

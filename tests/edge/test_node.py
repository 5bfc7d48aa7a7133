"""Many cameras share a few workers: each in turn, files whole, live ones never late, and none stops the others."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge_client import backoff, node
from edge_client.camera import Figures
from edge_client.node import Node
from edge_client.settings import CameraConfig, CameraSettings, ConfigError
from edge_client.source import Frame, SourceError
from tests.edge.conftest import write_video
from tests.edge.crops import TAKEN


class Outbox:
    def wait_for_room(self, _seconds: float) -> bool:
        return True


class SlowCamera:
    """Looks at frames, and remembers which."""

    seen: dict[str, list[int]]

    def __init__(self, config: CameraConfig, seen: dict[str, list[int]], pause: float) -> None:
        self._seen, self._pause = seen[config.id], pause
        self._busy = threading.Lock()
        self.figures = Figures()
        self.ended = 0

    def process(self, frame: Frame) -> None:
        assert self._busy.acquire(blocking=False), "two workers at one camera"
        time.sleep(self._pause)
        level = round(float(frame.image.mean()) / 8)
        self._seen.append(level)
        self._busy.release()
        if level == 7:
            raise ValueError("a frame that nobody can take")

    def end_tracks(self) -> None:
        self.ended += 1


class Bench:
    def __init__(self, *, pause: float = 0.0, workers: int = 2, patient: bool = True) -> None:
        self.seen: dict[str, list[int]] = defaultdict(list)
        self.cameras: dict[str, SlowCamera] = {}
        self.stop = threading.Event()
        self.while_making: Callable[[], object] = lambda: None
        self._pause = pause
        self.node = Node(Outbox(), self._make, patient=patient, workers=workers)

    def _make(self, config: CameraConfig) -> SlowCamera:
        self.while_making()
        if config.settings.detector == "yunet":
            raise ConfigError("no model")
        self.cameras[config.id] = SlowCamera(config, self.seen, self._pause)
        return self.cameras[config.id]

    def run(self, *cameras: CameraConfig, seconds: float = 30.0) -> None:
        self.node.watch(cameras)
        timer = threading.Timer(seconds, self.stop.set)
        timer.start()
        try:
            self.node.run(self.stop)
        finally:
            timer.cancel()


def camera(name: str, source: Path | str | int, **changes: object) -> CameraConfig:
    return CameraConfig(**{"id": name, "source": source, "settings": CameraSettings()} | changes)


def test_files_are_seen_whole_whatever_a_frame_costs(video, caplog):
    bench = Bench(pause=0.01)
    bench.run(*(camera(name, video) for name in "abc"))
    assert bench.seen == {name: list(range(30)) for name in "abc"}
    assert "camera a: a frame could not be analysed" in caplog.text
    assert all(watched.ended for watched in bench.cameras.values())


def test_live_camera_that_comes_too_fast_loses_frames_and_not_time(video):
    bench = Bench(pause=0.3, workers=1)
    started = time.monotonic()
    bench.run(camera("a", video, realtime=True))
    assert time.monotonic() - started < 6
    assert 5 <= len(bench.seen["a"]) <= 12
    assert bench.seen["a"][-1] == 29


def test_busy_camera_does_not_starve_another(video):
    bench = Bench(pause=0.05, workers=1)
    bench.run(camera("a", video), camera("b", video, realtime=True), camera("c", video, realtime=True), seconds=2.5)
    shares = sorted(len(seen) for seen in bench.seen.values())
    assert shares[0] > 0.6 * shares[-1]


def test_broken_file_ends_alone_and_is_told_at_the_end(video, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.touch()
    bench = Bench()
    with pytest.raises(SourceError, match="cannot open"):
        bench.run(camera("a", broken), camera("b", video))
    assert len(bench.seen["b"]) == 30
    assert "cannot open" in bench.node.stats().cameras[0].error


def test_camera_that_is_not_there_does_not_keep_the_others(video, monkeypatch, caplog):
    monkeypatch.setattr(backoff, "FIRST", 0.05)
    bench = Bench()
    bench.run(camera("a", "http://127.0.0.1:9/none"), camera("b", video, realtime=True), seconds=2)
    assert len(bench.seen["b"]) > 10
    assert "cannot open http://127.0.0.1:9/none" in caplog.text
    assert bench.node.stats().cameras[0].error.startswith("cannot open")


def test_only_camera_that_is_not_there_is_an_error():
    bench = Bench(patient=False)
    with pytest.raises(SourceError, match="is the address right"):
        bench.run(camera("a", "http://127.0.0.1:9/none"))


def test_new_settings_change_only_the_cameras_that_they_concern(mjpeg):
    bench = Bench()
    same, before = camera("same", mjpeg), camera("changed", mjpeg)
    after = camera("changed", mjpeg, settings=CameraSettings(min_size=80))
    bench.node.watch([same, before])
    kept, replaced = bench.cameras["same"], bench.cameras["changed"]
    threading.Timer(1.0, bench.node.watch, [[same, after]]).start()
    bench.run(same, before, seconds=2.5)
    assert bench.cameras["same"] is kept
    assert bench.cameras["changed"] is not replaced
    assert replaced.ended
    assert [watch.config for watch in bench.node.watches] == [after, same]


def test_new_settings_of_a_camera_do_not_begin_its_figures_anew(mjpeg):
    bench = Bench()
    bench.node.watch([camera("a", mjpeg)])
    (before,) = bench.node.watches
    before.source.frames, before.source.video_bytes = 7000, 5e9
    before.camera.figures.crop_sent(TAKEN, 100)
    bench.node.watch([camera("a", mjpeg, settings=CameraSettings(min_size=80))])
    (after,) = bench.node.watches
    bench.stop.set()
    bench.node.run(bench.stop)
    assert after is not before
    assert after.stats().bytes_saved > 4.9e9
    assert after.source.frames >= 7000
    assert (after.camera.figures.crops, after.stats().last_crop_at) == (1, TAKEN)


def test_camera_that_cannot_be_watched_as_it_is_set_goes_on_as_before_and_the_others_change(mjpeg):
    bench = Bench()
    before, gone, new = camera("a", mjpeg), camera("gone", mjpeg), camera("new", mjpeg)
    bench.node.watch([before, gone])
    unusable = [camera(name, mjpeg, settings=CameraSettings(detector="yunet")) for name in ("a", "b")]
    with pytest.raises(ConfigError, match="camera a: no model"):
        bench.node.watch([*unusable, new])
    assert [watch.config for watch in bench.node.watches] == [before, new]
    assert bench.cameras["gone"].ended
    bench.stop.set()
    bench.node.run(bench.stop)


def test_other_cameras_are_looked_at_while_one_is_made(video):
    bench = Bench()
    bench.node.watch([camera("a", video)])
    made = threading.Event()
    bench.while_making = lambda: made.wait(20)
    runner = threading.Thread(target=bench.node.run, args=[bench.stop])
    watcher = threading.Thread(target=bench.node.watch, args=[[camera("a", video), camera("b", video)]])
    runner.start()
    watcher.start()
    until = time.monotonic() + 15
    while len(bench.seen["a"]) < 30 and time.monotonic() < until:
        time.sleep(0.05)
    looked_at = len(bench.seen["a"])
    made.set()
    bench.stop.set()
    watcher.join()
    runner.join()
    assert looked_at == 30


def test_camera_that_gives_few_frames_is_not_taken_for_silent(mjpeg, monkeypatch):
    monkeypatch.setattr(node, "_SILENCE", 0.8)
    monkeypatch.setattr(node, "_SWEEP_EVERY", 0.2)
    bench = Bench()
    bench.run(camera("a", mjpeg, settings=CameraSettings(target_fps=0.5)), seconds=3)
    assert bench.seen["a"]
    assert bench.cameras["a"].ended == 1  # by the end of the node


def test_node_rests_between_frames(tmp_path):
    path = tmp_path / "slow.mp4"
    write_video(path, levels=(0, 1, 2), fps=1)
    bench = Bench()
    started = time.process_time()
    bench.run(*(camera(str(number), path, realtime=True, loop=True) for number in range(4)), seconds=3)
    assert time.process_time() - started < 0.6
    assert np.ptp([len(seen) for seen in bench.seen.values()]) <= 2  # a frame early or late

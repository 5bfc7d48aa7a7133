"""Many cameras in one process: a thread reads each, and a few workers look at their frames in turn."""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import cv2

from edge_client.camera import Camera
from edge_client.figures import CameraStats, NodeStats
from edge_client.outbox import Outbox
from edge_client.settings import CameraConfig, ConfigError, public_name
from edge_client.source import LONGEST_BLOCK, Frame, Source, SourceError

log = logging.getLogger(__name__)

MakeCamera = Callable[[CameraConfig], Camera]

_POLL = 0.2  # seconds between looks at `stop`
_SWEEP_EVERY = 1.0  # seconds
_SILENCE = 5.0  # seconds without frames that end a live camera's tracks
_STATUS_EVERY = 60.0  # seconds between lines in the log
_COMPLAIN_EVERY = 60.0


class Watch:
    """One camera under way: its video, what looks at it, and the frame that waits to be looked at."""

    def __init__(self, config: CameraConfig, camera: Camera, stop: threading.Event, *, patient: bool) -> None:
        settings = config.settings
        self.config, self.camera, self.stop = config, camera, stop
        self.source = Source(
            config.source,
            stop,
            skip_frames=settings.skip_frames,
            target_fps=settings.target_fps,
            realtime=config.realtime,
            loop=config.loop,
            patient=patient,
        )
        self.waiting: Frame | None = None
        self.busy = False
        self.ended = False
        self.error: SourceError | None = None
        self.complained_at = -_COMPLAIN_EVERY
        self.thread: threading.Thread | None = None

    def take_over(self, earlier: "Watch") -> None:
        """Go on counting where the watch of the same camera ends that this one replaces."""
        self.camera.figures = earlier.camera.figures
        self.source.frames, self.source.video_bytes = earlier.source.frames, earlier.source.video_bytes

    def stats(self) -> CameraStats:
        figures = self.camera.figures
        return CameraStats(
            camera=self.config.id,
            frames_per_second=figures.frames_per_second,
            faces_per_minute=figures.faces_per_minute,
            bytes_saved=max(0, round(self.source.video_bytes) - figures.image_bytes),
            last_crop_at=figures.last_crop_at,
            error=str(self.error or self.source.trouble),
        )


class Node:
    """Watches cameras until they end or it is told to stop. `patient`: see NodeConfig."""

    def __init__(self, outbox: Outbox, make_camera: MakeCamera, *, patient: bool, workers: int | None = None) -> None:
        self._outbox = outbox
        self._make_camera = make_camera
        self._patient = patient
        self._changed = threading.Condition()
        self._watches: deque[Watch] = deque()  # the next in turn first
        self._closing = False
        self._logged_at = time.monotonic()
        self._workers = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True)
            for number in range(workers or os.cpu_count() or 1)
        ]

    def watch(self, cameras: Sequence[CameraConfig]) -> None:
        """Watch these cameras and no others. One whose settings are as before goes on undisturbed.

        Raises ConfigError: one cannot be watched so, and goes on as before if it did. The others are watched.
        """
        known = [watch.config for watch in self.watches]
        new: list[Watch] = []
        faults: dict[str, ConfigError] = {}
        for config in cameras:
            try:  # without the lock: models may have to be downloaded
                if config not in known:
                    camera = self._make_camera(config)
                    new.append(Watch(config, camera, threading.Event(), patient=self._patient))
            except ConfigError as error:
                faults[config.id] = error
        with self._changed:
            if self._closing:
                return
            gone = [watch for watch in self._watches if watch.config not in cameras and watch.config.id not in faults]
            replaced = {watch.config.id: watch for watch in gone}
            for watch in new:
                if watch.config.id in replaced:
                    watch.take_over(replaced[watch.config.id])
            self._watches = deque([*(watch for watch in self._watches if watch not in gone), *new])
        self._end(gone)
        self._begin(new)
        for name, fault in faults.items():
            raise ConfigError(f"camera {name}: {fault}") from fault

    def run(self, stop: threading.Event) -> None:
        """Until all videos have ended or `stop` is set. Raises SourceError: what a video ended with."""
        for worker in self._workers:
            worker.start()
        swept_at = time.monotonic()
        try:
            while not stop.wait(_POLL) and not self._is_over():
                if time.monotonic() - swept_at >= _SWEEP_EVERY:
                    swept_at = time.monotonic()
                    self._sweep(swept_at)
        finally:
            with self._changed:
                self._closing = True
                watches = list(self._watches)
                self._changed.notify_all()
            self._end(watches)
            for worker in self._workers:
                worker.join()
        for watch in watches:
            if watch.error and not stop.is_set():
                raise watch.error

    def stats(self) -> NodeStats:
        return NodeStats(tuple(watch.stats() for watch in self.watches))

    @property
    def watches(self) -> list[Watch]:
        """By camera id."""
        with self._changed:
            return sorted(self._watches, key=lambda watch: watch.config.id)

    def _read(self, watch: Watch) -> None:
        """One camera's frames, each to wait for a worker: the newest of a live source, every one of a file."""
        try:
            for frame in watch.source:
                if not watch.source.is_live:
                    while not watch.stop.is_set() and not self._outbox.wait_for_room(_POLL):
                        pass
                self._hand_over(watch, frame)
        except (SourceError, cv2.error) as error:
            watch.error = error if isinstance(error, SourceError) else SourceError(f"{watch.config.id}: {error}")
            log.error("%s", watch.error)  # noqa: TRY400
        finally:
            with self._changed:
                watch.ended = True
                self._changed.notify_all()

    def _hand_over(self, watch: Watch, frame: Frame) -> None:
        with self._changed:
            if not watch.source.is_live:
                self._changed.wait_for(lambda: watch.waiting is None or watch.stop.is_set())
            watch.waiting = frame
            self._changed.notify_all()

    def _work(self) -> None:
        while turn := self._next():
            watch, frame = turn
            try:
                watch.camera.process(frame)
            except Exception:
                # One frame that a library cannot take must not end the other cameras' day.
                if time.monotonic() - watch.complained_at >= _COMPLAIN_EVERY:
                    watch.complained_at = time.monotonic()
                    log.exception("camera %s: a frame could not be analysed", watch.config.id)
            finally:
                with self._changed:
                    watch.busy = False
                    self._changed.notify_all()

    def _next(self) -> tuple[Watch, Frame] | None:
        """The frame that has its turn; None when closing."""
        with self._changed:
            while not self._closing:
                for watch in self._watches:
                    if watch.waiting and not watch.busy:
                        frame, watch.waiting, watch.busy = watch.waiting, None, True
                        self._watches.remove(watch)
                        self._watches.append(watch)
                        self._changed.notify_all()
                        return watch, frame
                self._changed.wait()
            return None

    def _is_over(self) -> bool:
        with self._changed:
            return bool(self._watches) and all(
                watch.ended and not watch.waiting and not watch.busy for watch in self._watches
            )

    def _sweep(self, now: float) -> None:
        for watch in self.watches:
            if watch.ended or (watch.source.is_live and now - watch.source.heard_at >= _SILENCE):
                watch.camera.end_tracks()
        if now - self._logged_at >= _STATUS_EVERY:
            self._logged_at = now
            for watch in self.watches:
                log.info(
                    "%s: %.1f frames/s, %.0f faces/min, %d before the camera now",
                    watch.config.id,
                    watch.camera.figures.frames_per_second,
                    watch.camera.figures.faces_per_minute,
                    watch.camera.figures.active,
                )

    def _begin(self, watches: Sequence[Watch]) -> None:
        """Start their readers, unless the node is ending: it waits for those that it knows of."""
        with self._changed:
            for watch in watches if not self._closing else ():
                log.info("camera %s: %s", watch.config.id, public_name(watch.config.source))
                watch.thread = threading.Thread(
                    target=self._read, args=(watch,), name=f"camera-{watch.config.id}", daemon=True
                )
                watch.thread.start()

    def _end(self, watches: Sequence[Watch]) -> None:
        """Stop their readers, wait for those who are busy with them, and send what their tracks still owe."""
        for watch in watches:
            watch.stop.set()
        with self._changed:
            self._changed.notify_all()
        until = time.monotonic() + LONGEST_BLOCK
        for watch in watches:
            # A thread that is still inside OpenCV when the interpreter goes makes the process abort.
            if watch.thread:
                watch.thread.join(max(0.0, until - time.monotonic()))
            watch.camera.end_tracks()

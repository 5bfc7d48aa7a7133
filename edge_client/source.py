"""Frames from a video file, a stream or a webcam.

A file read at full speed gives every frame. A live source, and a file played in real time, is for readers that take the
newest frame and drop those that came while they were busy, so that they never lag.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client import backoff
from edge_client.settings import VideoSource, public_name

log = logging.getLogger(__name__)

_TIMEOUT_MS = 10_000
_TIMEOUTS = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _TIMEOUT_MS)
_ONE_THREAD = (cv2.CAP_PROP_N_THREADS, 1)  # a node has many videos, and threads that decode frames ahead add delay
LONGEST_BLOCK = _TIMEOUT_MS / 1000 + 1  # seconds that reading may not notice `stop`
_FALLBACK_FPS = 25.0
_MOST_FPS = 240.0  # cameras that do not know theirs announce a clock's rate
_TIMESTAMP_ERROR = 0.002  # video files round to milliseconds
_MOST_OF = 0.95  # containers often announce a few frames too many
_MOST_FRAMES = 1e8  # months of video; a file without a count announces a nonsensical one
_POLL = 0.2  # seconds between looks at `stop`
_BITS_PER_PIXEL = 0.08  # of surveillance H.264, where a source does not tell: 4 Mbit/s at 1080p and 25 frames/s


class SourceError(Exception):
    """The video cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture: RGB (H, W, 3), when it was taken (UTC), and its time on a steady clock, seconds."""

    image: NDArray[np.uint8]
    captured_at: datetime
    seconds: float


class FrameGate:
    """Chooses the frames to analyse: one, then `skip_frames` not, and no more than `target_fps` per second."""

    def __init__(self, skip_frames: int, target_fps: float | None) -> None:
        self._skip_frames = skip_frames
        self._interval = 1 / target_fps if target_fps else 0.0
        self._to_skip = 0
        self._next_at = -np.inf

    def admits(self, seconds: float) -> bool:
        if self._to_skip:
            self._to_skip -= 1
            return False
        late = seconds - self._next_at
        if late < -_TIMESTAMP_ERROR:
            return False
        self._to_skip = self._skip_frames
        # Counting from the planned moment keeps the mean rate when frames come a little late.
        self._next_at = (self._next_at if late < self._interval else seconds) + self._interval
        return True


class Source:
    """One video. Iterate it in one thread; the figures may be read from others.

    `frames` arrived so far, admitted or not, the last at `heard_at` (`time.monotonic`); `video_bytes` is about what
    they take as a video (the bit rate that the source announces, else 0.08 bit per pixel). `connected` tells whether
    frames come now, `trouble` why not.
    """

    def __init__(
        self,
        place: VideoSource,
        stop: threading.Event,
        *,
        skip_frames: int = 0,
        target_fps: float | None = None,
        realtime: bool = False,
        loop: bool = False,
        patient: bool = False,
    ) -> None:
        self._place, self._stop = place, stop
        self._gate = FrameGate(skip_frames, target_fps)
        self._realtime, self._loop, self._patient = realtime, loop, patient
        self.is_live = realtime or not isinstance(place, Path)
        self.frames = 0
        self.heard_at = time.monotonic()
        self.video_bytes = 0.0
        self.connected = False
        self.trouble = ""

    def __iter__(self) -> Iterator[Frame]:
        """The admitted frames, each when it comes, until the video ends or `stop` is set.

        Raises SourceError: a file cannot be read, or a live source is not there at the start and not waited for.
        """
        if not isinstance(self._place, Path):
            return self._follow(self._place)
        return self._play(self._place) if self._realtime else self._recorded(self._place)

    def _recorded(self, path: Path) -> Iterator[Frame]:
        """A recorder last touches a file at its last frame, so the file's date tells when each was taken."""
        ended = min(datetime.fromtimestamp(path.stat().st_mtime, UTC), datetime.now(UTC))
        started = ended - timedelta(seconds=_duration(path))
        for position, image in self._file_frames(path, 0.0):
            yield Frame(image, started + timedelta(seconds=position), position)

    def _play(self, path: Path) -> Iterator[Frame]:
        """At the pace of the video, as if it were happening now."""
        while True:
            started = time.monotonic()
            for seconds, image in self._file_frames(path, started):
                if self._stop.wait(max(0.0, seconds - time.monotonic())):
                    return
                yield Frame(image, datetime.now(UTC), seconds)
            if not self._loop or self._stop.is_set():
                return

    def _follow(self, place: int | str) -> Iterator[Frame]:
        """Connecting again whenever the source is lost."""
        delays = backoff.delays()
        while not self._stop.is_set():
            try:
                with _open(place) as capture:
                    for frame in self._live_frames(capture):
                        delays = backoff.delays()
                        self._patient = True  # it was there once
                        yield frame
                self.trouble = f"lost {public_name(place)}"
            except (SourceError, cv2.error) as error:  # OpenCV's: a webcam sent what is no picture, say
                if not self._patient:
                    raise
                self.trouble = str(error)
            self.connected = False
            if not self._stop.is_set():
                delay = next(delays)
                log.warning("%s; connecting again in %.1f s", self.trouble, delay)
                self._stop.wait(delay)

    def _live_frames(self, capture: cv2.VideoCapture) -> Iterator[Frame]:
        cost = _bytes_per_frame(capture)
        while not self._stop.is_set() and capture.grab():
            taken_at, seconds = datetime.now(UTC), time.monotonic()
            self._count(cost)
            if self._gate.admits(seconds):
                ok, image = capture.retrieve()
                if not ok:
                    return
                yield Frame(_rgb(image), taken_at, seconds)

    def _file_frames(self, path: Path, started: float) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """(seconds, RGB image) of each admitted frame of a file whose first frame is due at `started`."""
        with _open(path) as capture:
            step, cost = 1 / _fps(capture), _bytes_per_frame(capture)
            position, before = -step, self.frames
            while not self._stop.is_set() and capture.grab():
                stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                position = stamp if stamp > position else position + step
                self._count(cost)
                if self._gate.admits(started + position):
                    ok, image = capture.retrieve()
                    if ok:
                        yield started + position, _rgb(image)
            if not self._stop.is_set():
                _judge(path, self.frames - before, capture.get(cv2.CAP_PROP_FRAME_COUNT))

    def _count(self, cost: float) -> None:
        self.frames += 1
        self.heard_at = time.monotonic()
        self.video_bytes += cost
        self.connected, self.trouble = True, ""


def open_frames(place: VideoSource, stop: threading.Event, **options: Any) -> Generator[Frame]:
    """Frames for a program of one thread, of a live source the newest each time. `options` as for Source.

    Close it before the process ends. Raises SourceError.
    """
    source = Source(place, stop, **options)
    return _newest(iter(source), stop) if source.is_live else (frame for frame in source)


def _newest(frames: Iterator[Frame], stop: threading.Event) -> Generator[Frame]:
    """Read `frames` in a thread and give the newest each time, dropping the others. Passes their errors on."""
    newest: deque[Frame] = deque(maxlen=1)
    arrived, ended, closed = threading.Event(), threading.Event(), threading.Event()
    errors: list[Exception] = []

    def pump() -> None:
        try:
            for frame in frames:
                newest.append(frame)
                arrived.set()
                if closed.is_set():
                    break
        except (SourceError, cv2.error) as error:
            errors.append(error)
        finally:
            ended.set()

    thread = threading.Thread(target=pump, name="source", daemon=True)
    thread.start()
    try:
        while not stop.is_set():
            arrived.wait(_POLL)
            arrived.clear()
            last = ended.is_set()  # asked before looking, or the very last frame could slip between
            if newest:
                yield newest.pop()
            elif last:
                break
    finally:
        # A thread that is still inside OpenCV when the interpreter goes makes the process abort.
        closed.set()
        thread.join(LONGEST_BLOCK)
    if errors:
        raise errors[0]


def _judge(path: Path, read: int, announced: float) -> None:
    """What the reader of a whole file should know. Raises SourceError."""
    if not read:
        raise SourceError(f"{path} holds no frame that can be read: is it a whole video file?")
    if read < _MOST_OF * announced:
        log.warning("%s is damaged: only %d of its %d frames can be read", path, read, announced)


def _duration(path: Path) -> float:
    with _open(path) as capture:
        frames = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        return frames / _fps(capture) if 0 < frames < _MOST_FRAMES else 0.0


def _fps(capture: cv2.VideoCapture) -> float:
    fps = capture.get(cv2.CAP_PROP_FPS)
    return fps if 0 < fps <= _MOST_FPS else _FALLBACK_FPS


def _bytes_per_frame(capture: cv2.VideoCapture) -> float:
    announced = capture.get(cv2.CAP_PROP_BITRATE) * 1000 / _fps(capture)
    pixels = capture.get(cv2.CAP_PROP_FRAME_WIDTH) * capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    return float(announced if announced > 0 else pixels * _BITS_PER_PIXEL) / 8


def _rgb(image: cv2.typing.MatLike) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


@contextmanager
def _open(place: VideoSource) -> Iterator[cv2.VideoCapture]:
    """Raises SourceError."""
    if isinstance(place, int):
        capture = cv2.VideoCapture(place)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        hint = "is the webcam plugged in, and not in use?"
    elif isinstance(place, Path):
        capture = cv2.VideoCapture(str(place), cv2.CAP_FFMPEG, _ONE_THREAD)
        hint = "is it a video?"
    else:
        capture = cv2.VideoCapture(place, cv2.CAP_FFMPEG, [*_ONE_THREAD, *_TIMEOUTS])
        hint = "is the address right, and the camera reachable?"
    try:
        if not capture.isOpened():
            raise SourceError(f"cannot open {public_name(place)}: {hint}")
        yield capture
    finally:
        capture.release()

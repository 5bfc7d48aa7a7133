"""Frames from a video file, a stream or a webcam.

A file read at full speed gives every frame. A live source, and a file played in real time, gives the newest frame
and drops those that came while the agent was busy, so that it never lags.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client import backoff
from edge_client.config import Config

log = logging.getLogger(__name__)

_STREAM_TIMEOUT_MS = 10_000
_FALLBACK_FPS = 25.0
_TIMESTAMP_ERROR = 0.002  # video files round to milliseconds
_MOST_OF = 0.95  # containers often announce a few frames too many
_MOST_FRAMES = 1e8  # months of video; a file without a count announces a nonsensical one
_POLL = 0.2  # seconds between looks at `stop`


class SourceError(Exception):
    """The video cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture: RGB (H, W, 3), when it was taken (UTC), and its time on a steady clock, seconds."""

    image: NDArray[np.uint8]
    captured_at: datetime
    seconds: float


def open_frames(config: Config, stop: threading.Event) -> Generator[Frame]:
    """The source's frames until it ends or `stop` is set. Close it before the process ends. Raises SourceError."""
    if not isinstance(config.source, Path):
        return _newest(_follow(config.source, stop), stop)
    if config.realtime:
        return _newest(_play(config.source, stop, loop=config.loop), stop)
    return _recorded(config.source, stop)


class FrameGate:
    """Chooses the frames to analyse: one, then `skip_frames` not, and no more than `target_fps` per second."""

    def __init__(self, skip_frames: int, target_fps: float | None) -> None:
        self._skip_frames = skip_frames
        self._interval = 1 / target_fps if target_fps else 0.0
        self._to_skip = 0
        self._next_at = -np.inf

    def admits(self, frame: Frame) -> bool:
        if self._to_skip:
            self._to_skip -= 1
            return False
        late = frame.seconds - self._next_at
        if late < -_TIMESTAMP_ERROR:
            return False
        self._to_skip = self._skip_frames
        # Counting from the planned moment keeps the mean rate when frames come a little late.
        self._next_at = (self._next_at if late < self._interval else frame.seconds) + self._interval
        return True


def public_name(source: int | str | Path) -> str:
    """The source's name for logs, without the user name and password that camera addresses often carry."""
    if isinstance(source, int):
        return f"webcam {source}"
    if isinstance(source, Path):
        return str(source)
    parts = urlsplit(source)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _recorded(path: Path, stop: threading.Event) -> Generator[Frame]:
    """Every frame. A recorder last touches a file at its last frame, so the file's date tells when each was taken."""
    ended = min(datetime.fromtimestamp(path.stat().st_mtime, UTC), datetime.now(UTC))
    started = ended - timedelta(seconds=_duration(path))
    for position, image in _file_frames(path, stop):
        yield Frame(image, started + timedelta(seconds=position), position)


def _play(path: Path, stop: threading.Event, *, loop: bool) -> Iterator[Frame]:
    """Frames at the pace of the video, as if it were happening now."""
    while True:
        started = time.monotonic()
        for position, image in _file_frames(path, stop):
            if stop.wait(max(0.0, started + position - time.monotonic())):
                return
            yield Frame(image, datetime.now(UTC), time.monotonic())
        if not loop or stop.is_set():
            return


def _follow(source: int | str, stop: threading.Event) -> Iterator[Frame]:
    """Frames of a live source, connecting again whenever it is lost. A source that never opened is an error."""
    capture = _open(source)
    delays = backoff.delays()
    while not stop.is_set():
        ok, image = capture.read()
        if ok:
            delays = backoff.delays()
            yield Frame(_rgb(image), datetime.now(UTC), time.monotonic())
            continue
        capture.release()
        delay = next(delays)
        log.warning("lost %s; connecting again in %.1f s", public_name(source), delay)
        if not stop.wait(delay):
            try:
                capture = _open(source)
            except SourceError as error:
                log.warning("%s", error)


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
        thread.join(_STREAM_TIMEOUT_MS / 1000 + 1)
    if errors:
        raise errors[0]


def _file_frames(path: Path, stop: threading.Event) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """(seconds from the start, RGB image) of each frame of a file."""
    capture = _open(path)
    try:
        step = 1 / (capture.get(cv2.CAP_PROP_FPS) or _FALLBACK_FPS)
        position = -step
        count = 0
        while not stop.is_set():
            ok, image = capture.read()
            if not ok:
                break
            stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            position = stamp if stamp > position else position + step
            count += 1
            yield position, _rgb(image)
        if stop.is_set():
            return
        if not count:
            raise SourceError(f"{path} holds no frame that can be read: is it a whole video file?")
        announced = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if count < _MOST_OF * announced:
            log.warning("%s is damaged: only %d of its %d frames can be read", path, count, announced)
    finally:
        capture.release()


def _duration(path: Path) -> float:
    capture = _open(path)
    frames, fps = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    return frames / (fps or _FALLBACK_FPS) if 0 < frames < _MOST_FRAMES else 0.0


def _rgb(image: cv2.typing.MatLike) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _open(source: int | str | Path) -> cv2.VideoCapture:
    if isinstance(source, int):
        capture = cv2.VideoCapture(source)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        hint = "is the webcam plugged in, and not in use?"
    elif isinstance(source, Path):
        capture = cv2.VideoCapture(str(source), cv2.CAP_FFMPEG)
        hint = "is it a video?"
    else:
        timeouts = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC)
        parameters = [value for timeout in timeouts for value in (timeout, _STREAM_TIMEOUT_MS)]
        capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG, parameters)
        hint = "is the address right, and the camera reachable?"
    if not capture.isOpened():
        raise SourceError(f"cannot open {public_name(source)}: {hint}")
    return capture

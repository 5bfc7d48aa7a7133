"""Writes pictures into a video file."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.settings import ConfigError

FPS = 25.0
_CODECS = {".mp4": "mp4v", ".mkv": "mp4v", ".mov": "mp4v", ".avi": "MJPG", ".webm": "VP80"}
_LONGEST_GAP = 5.0  # seconds: a camera that was away for an hour must not add an hour of one picture


class VideoFile:
    """A video of FPS pictures a second that keeps the frames' times: slow frames are repeated, fast ones left out.

    Its size is that of the first picture. Raises ConfigError where it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in _CODECS:
            raise ConfigError(f"--output: {path} must end in {', '.join(_CODECS)}")
        if not path.absolute().parent.is_dir():
            raise ConfigError(f"--output: there is no folder {path.absolute().parent}")
        self._path = path
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._next_at = 0.0

    def write(self, image: NDArray[np.uint8], seconds: float) -> None:
        """Add an RGB picture (H, W, 3). `seconds`: its time on a clock that never goes back."""
        if self._writer is None:
            self._size = (image.shape[1], image.shape[0])
            self._writer = self._open()
            self._next_at = seconds
        self._next_at = max(self._next_at, seconds - _LONGEST_GAP)
        picture = cv2.cvtColor(cv2.resize(image, self._size), cv2.COLOR_RGB2BGR)
        while self._next_at <= seconds:
            self._writer.write(picture)
            self._next_at += 1 / FPS

    def close(self) -> None:
        if self._writer:
            self._writer.release()

    def _open(self) -> cv2.VideoWriter:
        fourcc = cv2.VideoWriter.fourcc(*_CODECS[self._path.suffix.lower()])
        writer = cv2.VideoWriter(str(self._path), cv2.CAP_FFMPEG, fourcc, FPS, self._size)
        if not writer.isOpened():
            raise ConfigError(f"--output: {self._path} cannot be written")
        return writer

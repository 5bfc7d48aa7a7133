"""What the cameras of these tests see: two people who come, stand and go, again and again."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facesite.demo_video import portraits

FPS = 8
WIDTH, HEIGHT = 560, 300
_THERE, _AWAY = 10, 14  # frames; a track ends after a second without its face
VISIT_SECONDS = (_THERE + _AWAY) / FPS


def pictures(visits: int = 1) -> Iterator[NDArray[np.uint8]]:
    """BGR frames of so many visits, two tracks each."""
    people = cv2.cvtColor(
        np.hstack([cv2.resize(portrait, (WIDTH // 2, HEIGHT)) for portrait in portraits().values()]), cv2.COLOR_RGB2BGR
    )
    for _ in range(visits):
        for step in range(_THERE):
            sway = np.float32([[1, 0, 3 * (step % 3)], [0, 1, step % 2]])
            yield cv2.warpAffine(people, sway, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        yield from [np.full((HEIGHT, WIDTH, 3), 90, np.uint8)] * _AWAY


def write_video(path: Path, visits: int = 1) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
    for picture in pictures(visits):
        writer.write(picture)
    writer.release()
    return path


def jpegs(scale: float = 1.0) -> list[bytes]:
    """One visit, picture by picture."""
    return [cv2.imencode(".jpg", cv2.resize(picture, None, fx=scale, fy=scale))[1].tobytes() for picture in pictures()]

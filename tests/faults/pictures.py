"""Pictures of the two public-domain portraits of which it is known how many faces are in them."""

from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np

from facesite.demo_video import portraits
from recognition.engine.images import encode_jpeg


@dataclass(frozen=True)
class Picture:
    """`metadata`: what an edge node says of a crop that it cut; empty for a whole image."""

    name: str
    image: bytes
    faces: int
    metadata: dict = field(default_factory=dict)


@cache
def pictures() -> tuple[Picture, ...]:
    """Two crops as an edge node cuts them, each of one face; an image of both people, and one of nobody."""
    faces = portraits()
    her = _cut(faces["astronaut"], 145, 30, 160)
    him = _cut(faces["grace_hopper"], 134, 100, 260)
    both = np.hstack([_cut(faces["astronaut"], 75, 0, 300), _cut(faces["grace_hopper"], 64, 20, 400)])
    nobody = np.full((96, 96, 3), 127, np.uint8)
    cut = {"box": [100, 100, 260, 260], "frame_size": [1920, 1080], "confidence": 0.99}
    return (
        Picture("enrolled", encode_jpeg(her), 1, cut),
        Picture("stranger", encode_jpeg(him), 1, cut),
        Picture("both", encode_jpeg(both), 2),
        Picture("nobody", encode_jpeg(nobody), 0),
    )


def _cut(image: np.ndarray, left: int, top: int, size: int) -> np.ndarray:
    return cv2.resize(image[top : top + size, left : left + size], (160, 160), interpolation=cv2.INTER_AREA)

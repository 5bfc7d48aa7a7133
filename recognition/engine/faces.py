"""What the engine says about faces. Pixels count from the image's top left corner, after EXIF rotation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # (H, W, 3) RGB
Vectors = NDArray[np.float32]  # (N, D), each of length 1
Vector = NDArray[np.float32]  # (D,), length 1
Point = tuple[float, float]
Landmarks = tuple[Point, Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Face:
    """A detected face. box: x1, y1, x2, y2, may lie a little outside the image. confidence: 0-1.

    landmarks: left eye, right eye (as seen in the image), nose, left and right corner of the mouth.
    """

    box: tuple[float, float, float, float]
    landmarks: Landmarks
    confidence: float

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


@dataclass(frozen=True, slots=True)
class Quality:
    """How usable a face is.

    face_px: shorter side of the box, pixels. sharpness: variance of the Laplacian of the aligned face, 0 (flat) up;
    below about 20 looks blurred. brightness: mean grey level, 0-1. frontality: 1 looks into the camera, 0 is a profile.
    """

    face_px: float
    sharpness: float
    brightness: float
    frontality: float


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedFace:
    """A face with its vector, comparable only with vectors of the same pack id."""

    face: Face
    quality: Quality
    vector: Vector


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a vector belongs to. label None: unknown; `nearest` is then still the label that came closest, if any.

    probability: 0-1, that it belongs to `nearest`, if half of all faces are strangers'. It rises with `score`. How high
    it must be for a name follows from the false-alarm rate.
    """

    label: str | None
    probability: float
    score: float
    nearest: str | None

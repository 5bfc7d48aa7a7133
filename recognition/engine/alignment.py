"""Turns and scales a face so that its landmarks come to lie where the embedder expects them."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.engine.faces import Image, Point

_MOST_SHRINKING = 0.5  # bilinear sampling skips pixels when it shrinks more than this


def similarity(points: Sequence[Point], template: Sequence[Point]) -> NDArray[np.float64]:
    """The 2x3 matrix of rotation, scale and shift that takes `points` nearest to `template` (least squares).

    Source: S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns" (1991); in
    the plane, with points as complex numbers, the solution is one quotient. Coinciding points give a shift.
    """
    source, target = np.array(points, np.float64), np.array(template, np.float64)
    centre, target_centre = source.mean(axis=0), target.mean(axis=0)
    z, w = (source - centre) @ (1, 1j), (target - target_centre) @ (1, 1j)
    spread = np.vdot(z, z).real
    turn = np.vdot(z, w) / spread if spread > 0 else 1
    matrix = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([matrix, target_centre - matrix @ centre])


def align(image: Image, landmarks: Sequence[Point], template: Sequence[Point], size: int) -> Image:
    """The face as a (size, size, 3) chip. What lies outside the image repeats its edge."""
    matrix = similarity(landmarks, template)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < _MOST_SHRINKING:
        image, matrix = _shrink(image, matrix, size, scale / _MOST_SHRINKING)
    chip = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(chip, np.uint8)


def _shrink(image: Image, matrix: NDArray[np.float64], size: int, factor: float) -> tuple[Image, NDArray[np.float64]]:
    """The part of the image that the chip shows, scaled by `factor` with averaging, and the matrix from it."""
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]]) @ cv2.invertAffineTransform(matrix).T
    limits = image.shape[1], image.shape[0]
    low = np.clip(np.floor(corners.min(axis=0)), 0, np.subtract(limits, 1)).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)), low + 1, limits).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    shrunk_size = np.maximum(1, np.round((high - low) * factor)).astype(int)
    shrunk = np.asarray(cv2.resize(part, shrunk_size.tolist(), interpolation=cv2.INTER_AREA), np.uint8)
    # Pixel centres lie at whole numbers: x in the shrunk part is (x + 0.5) * ratio - 0.5 + low in the image.
    ratio = (high - low) / shrunk_size
    back = np.array([[ratio[0], 0, ratio[0] / 2 - 0.5 + low[0]], [0, ratio[1], ratio[1] / 2 - 0.5 + low[1]], [0, 0, 1]])
    return shrunk, matrix @ back

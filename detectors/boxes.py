"""Arithmetic on boxes: (N, 4) arrays of x1, y1, x2, y2 in pixels."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.intp]


def suppress(boxes: Floats, scores: Floats, threshold: float) -> Indices:
    """Non-maximum suppression: indices of the kept boxes, best first. Scores are above 0.

    A box goes when it overlaps a better one by more than `threshold` of their union.
    """
    corners_and_sides = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    kept = cv2.dnn.NMSBoxes(corners_and_sides, scores, 0.0, threshold)  # type: ignore[arg-type] # arrays do
    return np.array(kept, np.intp)


def suppress_nested(boxes: Floats, scores: Floats, threshold: float) -> Indices:
    """Like `suppress`, but a box goes when it shares more than `threshold` of the smaller one's area."""
    remaining = np.argsort(-scores, kind="stable")
    kept = []
    while len(remaining):
        best, remaining = remaining[:1], remaining[1:]
        kept.append(best[0])
        remaining = remaining[covered(boxes[remaining], boxes[best])[:, 0] <= threshold]
    return np.array(kept, np.intp)


def covered(boxes: Floats, others: Floats) -> Floats:
    """(len(boxes), len(others)): shared area as a fraction of the smaller of the two."""
    # The reference implementation counts pixels here, hence + 1.
    left, top, right, bottom = boxes.T[:, :, None]
    other_left, other_top, other_right, other_bottom = others.T
    widths = np.minimum(right, other_right) - np.maximum(left, other_left) + 1
    heights = np.minimum(bottom, other_bottom) - np.maximum(top, other_top) + 1
    shared = np.maximum(widths, 0) * np.maximum(heights, 0)
    areas = (right - left + 1) * (bottom - top + 1)
    other_areas = (other_right - other_left + 1) * (other_bottom - other_top + 1)
    fractions: Floats = shared / np.minimum(areas, other_areas)
    return fractions


def adjust(boxes: Floats, offsets: Floats, extra: float = 0) -> Floats:
    """Moves each edge by its offset, a fraction of the box's side (`extra` pixels are added to the side first)."""
    sides = boxes[:, 2:] - boxes[:, :2] + np.float32(extra)
    return boxes + offsets * np.tile(sides, 2)


def square(boxes: Floats) -> Floats:
    """The square around the same centre whose side is the longer side."""
    sides = boxes[:, 2:] - boxes[:, :2]
    side = sides.max(axis=1, keepdims=True)
    low = boxes[:, :2] + (sides - side) / 2
    return np.hstack([low, low + side])

"""Arithmetic on boxes: (N, 4) arrays of x1, y1, x2, y2 in pixels."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]

_BLOCK = 512  # overlaps are computed in rows of this many boxes, so that memory grows with N and not with N * N


def suppress(boxes: Floats, scores: Floats, threshold: float, *, of_smaller: bool = False) -> Indices:
    """Non-maximum suppression: indices of the kept boxes, best first.

    A box goes when it overlaps a better one by more than `threshold` of their union, or of the smaller of the two.
    """
    order = np.argsort(-scores, kind="stable")
    boxes = boxes[order]
    kept = np.ones(len(order), dtype=bool)
    for start in range(0, len(order), _BLOCK):
        overlapping = _overlaps(boxes[start : start + _BLOCK], boxes, of_smaller=of_smaller) > threshold
        for position, row in enumerate(overlapping, start):
            if kept[position]:
                kept[position + 1 :] &= ~row[position + 1 :]
    return order[kept]


def _overlaps(some: Floats, others: Floats, *, of_smaller: bool) -> Floats:
    """(len(some), len(others)): shared area as a fraction of the union, or of the smaller area."""
    # The reference implementation counts pixels (hence + 1) in its nested-box step only.
    extra = np.float32(1 if of_smaller else 0)
    shared = np.ones((len(some), len(others)), np.float32)
    for axis in (0, 1):
        low = np.maximum(some[:, None, axis], others[:, axis])
        high = np.minimum(some[:, None, axis + 2], others[:, axis + 2])
        shared *= np.maximum(high - low + extra, 0)
    areas, other_areas = (np.prod(boxes[:, 2:] - boxes[:, :2] + extra, axis=1) for boxes in (some, others))
    whole = np.minimum(areas[:, None], other_areas) if of_smaller else areas[:, None] + other_areas - shared
    shared /= np.maximum(whole, np.float32(1e-9))
    return shared


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

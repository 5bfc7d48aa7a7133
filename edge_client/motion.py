"""Where something moves, found cheaply, so that the detector need not look everywhere."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.boxes import Box, merged
from edge_client.detector import Image

_WIDTH = 480  # pixels, at most, of the picture that is compared
_CELL = 8  # pixels of that picture: the grid in which movement is counted
_CHANGED = 0.1  # share of a cell's pixels that makes it moving: noise is spread thinner
_LEAST = 6.0  # levels of grey that count as a change in the best light
_SIGMAS = 5.0  # of the picture's own noise
_MOST = 25.0  # levels: what is more is no noise, and
_MOST_LIGHT = 10.0  # what is more is no cloud, but another scene
_MEMORY = 1.0  # seconds in which the background takes on what stays
_HOLD = 0.5  # seconds that a cell stays moving: who stops is looked at once more
_EVERYWHERE = 0.6  # share of moving cells from which the whole picture is searched
_SAMPLE = 7  # every so many pixels, in both directions, tell the light and the noise
_NORMAL = 0.6745  # median deviation of a normal distribution with a standard deviation of 1


class MotionGate:
    """One camera's. It compares each frame with a slow mean of those before, allowing for the light and the noise."""

    def __init__(self, margin: float) -> None:
        """`margin`: pixels of the frame added around movement; half a face is enough."""
        self._margin = margin
        self._background: NDArray[np.float32] | None = None
        self._until = np.zeros((0, 0))
        self._seen_at = -math.inf

    def regions(self, image: Image, seconds: float) -> list[Box] | None:
        """Boxes of an RGB image (H, W, 3) in which something moves, apart from each other; None means everywhere.

        `seconds`: the frame's time on a clock that never goes back.
        """
        small = _small(image)
        if self._background is None or self._background.shape != small.shape:
            self._background, self._seen_at = small, seconds
            self._until = np.full(_grid(small), -math.inf)
            return None
        self._until[_moving(small - self._background)] = seconds + _HOLD
        rate = 1 - math.exp(-max(0.0, seconds - self._seen_at) / _MEMORY)
        cv2.accumulateWeighted(small, self._background, rate)
        self._seen_at = seconds
        moving = self._until > seconds
        if moving.mean() > _EVERYWHERE:
            return None
        return self._boxes(moving, (image.shape[1] / moving.shape[1], image.shape[0] / moving.shape[0]))

    def _boxes(self, moving: NDArray[np.bool_], cell: tuple[float, float]) -> list[Box]:
        """Boxes of the frame around groups of cells. `cell`: a cell's width and height in pixels of the frame."""
        if not moving.any():
            return []
        _, _, found, _ = cv2.connectedComponentsWithStats(moving.astype(np.uint8))
        corner_and_size = [cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]
        boxes = found[1:, corner_and_size] * np.tile(cell, 2)
        boxes[:, 2:] += boxes[:, :2]
        grown = boxes + np.array([-self._margin, -self._margin, self._margin, self._margin])
        return merged([(box[0], box[1], box[2], box[3]) for box in grown.tolist()])


def _small(image: Image) -> NDArray[np.float32]:
    """The picture's light, (h, w): halving averages its noise, and costs least."""
    while image.shape[1] > _WIDTH:
        half = image.shape[1] // 2, max(1, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)


def _moving(change: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Cells (h / _CELL, w / _CELL) that changed more than the light and the noise explain."""
    sample = change[::_SAMPLE, ::_SAMPLE]
    light = float(np.clip(np.median(sample), -_MOST_LIGHT, _MOST_LIGHT))
    noise = float(np.median(np.abs(sample - light))) / _NORMAL
    changed = np.abs(change - np.float32(light)) > min(max(_LEAST, _SIGMAS * noise), _MOST)
    height, width = _grid(change)
    shares = cv2.resize(changed.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(shares > _CHANGED)


def _grid(small: NDArray[np.float32]) -> tuple[int, int]:
    """Rows and columns of cells."""
    return max(1, small.shape[0] // _CELL), max(1, small.shape[1] // _CELL)

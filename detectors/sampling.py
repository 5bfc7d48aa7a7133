"""Scales an image, or many boxes of it, by averaging areas, without a loop over the boxes."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.boxes import Floats

Integers = NDArray[np.int64]


class AreaSampler:
    """Area-averaging views of one image (H, W, 3).

    Every output pixel is the mean of the source pixels it touches (PyTorch's `area` mode, which the networks' reference
    implementation uses), taken from a summed-area table: four look-ups whatever the size of the area.
    The table takes 16 bytes a pixel; its sums may wrap around, but differences of them are right as long as one
    output pixel covers fewer than 8 million source pixels.
    """

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.height, self.width = image.shape[:2]
        sums = cv2.integral(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA))
        # Four sums of 32 bits as one element of 16 bytes: numpy looks those up several times faster than triples.
        self._sums: NDArray[np.complex128] = sums.view(np.complex128)[..., 0]

    def scaled(self, height: int, width: int, rows: range) -> Floats:
        """The given rows of the image scaled to (height, width): (len(rows), width, 3), values 0-255."""
        top, bottom = _bins(np.array(0), np.array(self.height), height)
        left, right = _bins(np.array(0), np.array(self.width), width)
        top, bottom = top[rows.start : rows.stop], bottom[rows.start : rows.stop]
        bands = self._sums[bottom].view(np.int32)
        bands -= self._sums[top].view(np.int32)
        elements = bands.view(np.complex128)
        totals = elements.take(right, axis=1).view(np.int32)
        totals -= elements.take(left, axis=1).view(np.int32)
        return _means(totals, bottom - top, right - left)

    def inside(self, boxes: Floats) -> Floats:
        """The boxes that cover at least one pixel of the image."""
        low, high = self._clip(boxes)
        return boxes[(high > low).all(axis=1)]

    def crops(self, boxes: Floats, size: int) -> Floats:
        """(N, size, size, 3), values 0-255: the parts inside the image of boxes that `inside` let pass."""
        low, high = self._clip(boxes)
        left, right = _bins(low[:, 0], high[:, 0], size)
        top, bottom = _bins(low[:, 1], high[:, 1], size)

        def sums(rows: Integers, columns: Integers) -> NDArray[np.int32]:
            places = rows[:, :, None] * self._sums.shape[1] + columns[:, None, :]
            found: NDArray[np.int32] = self._sums.take(places).view(np.int32)
            return found

        totals = sums(bottom, right)
        totals -= sums(top, right)
        totals -= sums(bottom, left)
        totals += sums(top, left)
        return _means(totals, bottom - top, right - left)

    def _clip(self, boxes: Floats) -> tuple[Integers, Integers]:
        """First pixel, and the one after the last, of each box inside the image."""
        # The reference implementation counts pixels from 1.
        low = np.maximum(boxes[:, :2].astype(np.int64), 1) - 1
        return low, np.minimum(boxes[:, 2:].astype(np.int64), (self.width, self.height))


def _bins(low: Integers, high: Integers, count: int) -> tuple[Integers, Integers]:
    """First pixel, and the one after the last, of `count` bins from low to high; they share pixels where they must."""
    steps, low, length = np.arange(count), low[..., None], (high - low)[..., None]
    return low + steps * length // count, low - (-(steps + 1) * length // count)


def _means(totals: NDArray[np.int32], heights: Integers, widths: Integers) -> Floats:
    """(..., R, C, 3) from sums (..., R, 4 * C) over bins (..., R) pixels high and (..., C) pixels wide."""
    means = totals.astype(np.float32)
    means *= np.repeat(1 / widths.astype(np.float32), 4, axis=-1)[..., None, :]
    means *= 1 / heights.astype(np.float32)[..., None]
    rgb = cv2.cvtColor(means.reshape(-1, widths.shape[-1], 4), cv2.COLOR_RGBA2RGB)
    return np.asarray(rgb, np.float32).reshape(*heights.shape, widths.shape[-1], 3)

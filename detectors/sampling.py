"""Scales an image, or many boxes of it, by averaging areas, without a loop over the boxes."""

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.boxes import Floats

Integers = NDArray[np.int64]
_DISTANCE = 2**26  # between the images in their plane, pixels


class AreaSampler:
    """Area-averaging views of images, each (H, W, 3).

    Every output pixel is the mean of the source pixels it touches (PyTorch's `area` mode, which the networks' reference
    implementation uses), taken from a summed-area table: four look-ups whatever the size of the area.
    The tables take 16 bytes a pixel; their sums may wrap around, but differences of them are right as long as one
    output pixel covers fewer than 8 million source pixels.

    The images lie in one plane, so far apart that no box reaches two of them: boxes of all can be worked on together.
    """

    def __init__(self, images: Sequence[NDArray[np.uint8]]) -> None:
        self._sizes = np.array([image.shape[1::-1] for image in images], np.int64)
        self._starts = np.cumsum([0, *(self._sizes + 1).prod(axis=1)])
        # Four sums of 32 bits as one element of 16 bytes: numpy looks those up several times faster than triples.
        self._sums = np.zeros(self._starts[-1], np.complex128)
        for index, image in enumerate(images):
            if image.size:
                cv2.integral(
                    cv2.cvtColor(image, cv2.COLOR_RGB2RGBA),
                    self._table(index).view(np.int32).reshape(*self._table(index).shape, 4),
                )

    def placed(self, boxes: Floats, index: int) -> Floats:
        """Boxes (N, 4) of the image in the plane."""
        return boxes + np.tile(self.corner(index), 2)

    def corner(self, index: int) -> Floats:
        """(2,): where the image's first pixel lies in the plane."""
        return np.array([index * _DISTANCE, 0], np.float64)

    def size(self, index: int) -> tuple[int, int]:
        """Width and height of an image, pixels."""
        width, height = self._sizes[index].tolist()
        return width, height

    def owners(self, boxes: Floats) -> Integers:
        """(N,): index of the image that each box belongs to."""
        return np.floor(boxes[:, 0] / _DISTANCE + 0.25).astype(np.int64)

    def scaled(self, index: int, height: int, width: int, rows: range) -> Floats:
        """The given rows of an image scaled to (height, width): (len(rows), width, 3), values 0-255."""
        from_width, from_height = self.size(index)
        top, bottom = _level(from_height, height)
        left, right = _level(from_width, width)
        top, bottom = top[rows.start : rows.stop], bottom[rows.start : rows.stop]
        table = self._table(index)
        bands = table[bottom].view(np.int32)
        bands -= table[top].view(np.int32)
        elements = bands.view(np.complex128)
        totals = elements.take(right, axis=1).view(np.int32)
        totals -= elements.take(left, axis=1).view(np.int32)
        return _means(totals, bottom - top, right - left)

    def inside(self, boxes: Floats) -> Floats:
        """The boxes that cover at least one pixel of their image."""
        low, high = self._clip(boxes, self.owners(boxes))
        return boxes[(high > low).all(axis=1)]

    def crops(self, boxes: Floats, size: int) -> Floats:
        """(N, size, size, 3), values 0-255: the parts inside the image of boxes that `inside` let pass."""
        owners = self.owners(boxes)
        low, high = self._clip(boxes, owners)
        left, right = _bins(low[:, 0], high[:, 0], size)
        top, bottom = _bins(low[:, 1], high[:, 1], size)

        first, stride = self._starts[owners, None], self._sizes[owners, :1] + 1
        top_row, bottom_row = ((first + edge * stride)[:, :, None] for edge in (top, bottom))

        def sums(row: Integers, columns: Integers) -> NDArray[np.int32]:
            found: NDArray[np.int32] = self._sums.take(row + columns[:, None, :]).view(np.int32)
            return found

        totals = sums(bottom_row, right)
        totals -= sums(top_row, right)
        totals -= sums(bottom_row, left)
        totals += sums(top_row, left)
        return _means(totals, bottom - top, right - left)

    def _table(self, index: int) -> NDArray[np.complex128]:
        width, height = self._sizes[index]
        return self._sums[self._starts[index] : self._starts[index + 1]].reshape(height + 1, width + 1)

    def _clip(self, boxes: Floats, owners: Integers) -> tuple[Integers, Integers]:
        """First pixel, and the one after the last, of each box inside its image."""
        shift = owners[:, None] * np.array([_DISTANCE, 0])
        # The reference implementation counts pixels from 1.
        low = np.maximum((boxes[:, :2] - shift).astype(np.int64), 1) - 1
        return low, np.minimum((boxes[:, 2:] - shift).astype(np.int64), self._sizes[owners])


@lru_cache(maxsize=64)
def _level(length: int, count: int) -> tuple[Integers, Integers]:
    """`count` bins over a whole side. Photos and frames often have the same size as the one before."""
    return _bins(np.array(0), np.array(length), count)


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

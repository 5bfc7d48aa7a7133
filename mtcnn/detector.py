"""The cascade of Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks"
(2016), with the networks and the arithmetic of facenet-pytorch.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from mtcnn.boxes import Floats, Indices, adjust, square, suppress
from mtcnn.sampling import AreaSampler
from mtcnn.sessions import open_session

_CELL = 12  # side of the window that the first network judges, pixels
_STRIDE = 2  # between neighbouring windows
# Bounds on time and memory, far above what a photo of a crowd needs.
_MAX_IMAGE_PIXELS = 12_000_000
_STRIP_PIXELS = 500_000
_MAX_CANDIDATES_PER_SCALE = 5000
_MAX_CANDIDATES = 5000
_BATCH = 128


@dataclass(frozen=True, slots=True)
class Detections:
    """Faces of one image, best first.

    boxes (N, 4) x1, y1, x2, y2 and landmarks (N, 5, 2) x, y: float32, pixels, may lie a little outside the image.
    Landmarks: left eye, right eye (as seen in the image), nose, left and right corner of the mouth. scores (N,) 0-1.
    """

    boxes: Floats
    scores: Floats
    landmarks: Floats

    def __len__(self) -> int:
        return len(self.scores)


_NOTHING = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))


class Mtcnn:
    """Finds faces. Thread-safe.

    `folder` holds pnet.onnx, rnet.onnx and onet.onnx. `min_face`: side of the smallest face searched, pixels.
    `thresholds`: least score in each of the three stages. `factor`: ratio between neighbouring scales.
    """

    def __init__(
        self,
        folder: Path,
        *,
        min_face: float = 20,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7),
        factor: float = 0.709,
        threads: int = 1,
    ) -> None:
        self._pnet, self._rnet, self._onet = (
            open_session(folder / f"{name}.onnx", threads=threads) for name in ("pnet", "rnet", "onet")
        )
        self._min_face = min_face
        self._thresholds = thresholds
        self._factor = factor

    def detect(
        self, image: NDArray[np.uint8], *, min_face: float | None = None, max_face: float | None = None
    ) -> Detections:
        """Faces in an RGB image (H, W, 3). `min_face` and `max_face` (pixels) narrow the search of this call.

        An image beyond 12 megapixels is searched at that size.
        """
        height, width = image.shape[:2]
        shrink = min(1.0, math.sqrt(_MAX_IMAGE_PIXELS / max(1, height * width)))
        smallest = (min_face or self._min_face) * shrink
        largest = (max_face or math.inf) * shrink
        scales = self._scales(min(height, width) * shrink, smallest, largest)
        if not scales:
            return _NOTHING
        if shrink < 1:
            size = (math.ceil(width * shrink), math.ceil(height * shrink))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        sampler = AreaSampler(image)
        boxes = sampler.inside(self._propose(sampler, scales))
        if len(boxes):
            boxes = sampler.inside(self._refine(sampler, boxes))
        if not len(boxes):
            return _NOTHING
        found = self._output(sampler, boxes)
        return Detections(found.boxes / np.float32(shrink), found.scores, found.landmarks / np.float32(shrink))

    def _scales(self, shorter_side: float, smallest: float, largest: float) -> list[float]:
        scales = []
        scale = _CELL / smallest
        while scale * shorter_side >= _CELL and scale * largest >= _CELL:
            scales.append(scale)
            scale *= self._factor
        return scales

    def _propose(self, sampler: AreaSampler, scales: list[float]) -> Floats:
        """First stage: square boxes that may hold a face, from every scale."""
        found = [self._propose_at(sampler, scale) for scale in scales]
        boxes, scores, offsets = (np.concatenate(parts) for parts in zip(*found, strict=True))
        best = _best(scores, _MAX_CANDIDATES)
        boxes, scores, offsets = boxes[best], scores[best], offsets[best]
        kept = suppress(boxes, scores, 0.7)
        return square(adjust(boxes[kept], offsets[kept]))

    def _propose_at(self, sampler: AreaSampler, scale: float) -> tuple[Floats, Floats, Floats]:
        height, width = int(sampler.height * scale + 1), int(sampler.width * scale + 1)
        strips = (sampler.scaled(height, width, rows) for rows in _strips(height, width))
        maps = [self._pnet.run(None, {"image": strip[None]}) for strip in strips]
        score_map, offset_map = (np.concatenate(parts, axis=1)[0] for parts in zip(*maps, strict=True))
        rows, columns = np.nonzero(score_map >= self._thresholds[0])
        scores = score_map[rows, columns]
        best = _best(scores, _MAX_CANDIDATES_PER_SCALE)
        rows, columns, scores = rows[best], columns[best], scores[best]
        corners = np.stack([columns, rows], axis=1).astype(np.float32) * _STRIDE
        boxes = np.floor(np.hstack([corners + 1, corners + _CELL]) / np.float32(scale))
        kept = suppress(boxes, scores, 0.5)
        return boxes[kept], scores[kept], offset_map[rows[kept], columns[kept]]

    def _refine(self, sampler: AreaSampler, boxes: Floats) -> Floats:
        """Second stage: fewer and better square boxes."""
        boxes, (scores, offsets) = _judge(self._rnet, sampler, boxes, 24, self._thresholds[1])
        kept = suppress(boxes, scores, 0.7)
        return square(adjust(boxes[kept], offsets[kept], extra=1))

    def _output(self, sampler: AreaSampler, boxes: Floats) -> Detections:
        """Third stage: final boxes with landmarks."""
        boxes, (scores, offsets, points) = _judge(self._onet, sampler, boxes, 48, self._thresholds[2])
        sides = boxes[:, None, 2:] - boxes[:, None, :2] + 1
        landmarks = boxes[:, None, :2] + points * sides - 1
        boxes = adjust(boxes, offsets, extra=1)
        # Close-ups often get several boxes of score 1; the reference implementation then takes the last.
        boxes, scores, landmarks = boxes[::-1], scores[::-1], landmarks[::-1]
        kept = suppress(boxes, scores, 0.7, of_smaller=True)
        return Detections(boxes[kept], scores[kept], landmarks[kept])


def _judge(
    network: ort.InferenceSession, sampler: AreaSampler, boxes: Floats, size: int, threshold: float
) -> tuple[Floats, list[Floats]]:
    """Boxes whose score in `network` passes, and the network's outputs for them (scores first)."""
    parts = [
        network.run(None, {"image": sampler.crops(boxes[start : start + _BATCH], size)})
        for start in range(0, len(boxes), _BATCH)
    ]
    outputs = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    passed = outputs[0] > threshold
    return boxes[passed], [output[passed] for output in outputs]


def _best(scores: Floats, limit: int) -> Indices:
    return np.argsort(-scores, kind="stable")[:limit]


def _strips(height: int, width: int) -> Iterator[range]:
    """Rows of strips whose results, joined, equal that of the whole: a large image needs no large buffers."""
    rows = max(1, _STRIP_PIXELS // (_STRIDE * width))  # of the result
    results = (height - _CELL) // _STRIDE + 1
    for first in range(0, results, rows):
        last = first + rows >= results
        yield range(_STRIDE * first, height if last else _STRIDE * (first + rows - 1) + _CELL)

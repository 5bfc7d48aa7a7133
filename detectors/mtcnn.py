"""The cascade of Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks"
(2016), with the networks and the arithmetic of facenet-pytorch.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from detectors.boxes import Floats, Indices, adjust, covered, square, suppress, suppress_nested
from detectors.faces import NOTHING, Detections
from detectors.sampling import AreaSampler
from detectors.sessions import open_session

_CELL = 12  # side of the window that the first network judges, pixels
_STRIDE = 2  # between neighbouring windows
# Bounds on time and memory, far above what a photo of a crowd needs.
_MAX_IMAGE_PIXELS = 12_000_000
_STRIP_PIXELS = 60_000
_STRIP_ROWS = 16  # of the result; neighbours share ten rows of the image, so thin strips would be wasteful
_MAX_CANDIDATES_PER_SCALE = 5000
_MAX_CANDIDATES = 5000
_BLOCK = 64  # boxes compared with all others at once
_BATCHES = {24: 32, 48: 4}  # crops of that side judged at once: as many as stay in a core's cache
_SAME_FACE = 0.4  # of their union: of boxes that overlap more, the best is looked at first
_SAME_PLACE = 0.5  # of the smaller one
_PROMISING = 0.05  # score in the second network; below it, boxes nearby are not looked at


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
            return NOTHING
        if shrink < 1:
            size = (math.ceil(width * shrink), math.ceil(height * shrink))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        sampler = AreaSampler(image)
        found = self._refine(sampler, *self._propose(sampler, scales))
        return Detections(found.boxes / np.float32(shrink), found.scores, found.landmarks / np.float32(shrink))

    def refine(self, image: NDArray[np.uint8], boxes: Floats) -> Detections:
        """Faces in an RGB image (H, W, 3) near boxes (N, 4) that something else than the first network proposes."""
        found, _ = self._judge(AreaSampler(image), square(boxes)) if image.size else (NOTHING, boxes)
        return found

    def _scales(self, shorter_side: float, smallest: float, largest: float) -> list[float]:
        scales = []
        scale = _CELL / smallest
        while scale * shorter_side >= _CELL and scale * largest >= _CELL:
            scales.append(scale)
            scale *= self._factor
        return scales

    def _propose(self, sampler: AreaSampler, scales: list[float]) -> tuple[Floats, Floats]:
        """First stage: square boxes that may hold a face, from every scale, and their scores."""
        found = [self._propose_at(sampler, scale) for scale in scales]
        boxes, scores, offsets = (np.concatenate(parts) for parts in zip(*found, strict=True))
        best = _best(scores, _MAX_CANDIDATES)
        boxes, scores, offsets = boxes[best], scores[best], offsets[best]
        kept = suppress(boxes, scores, 0.7)
        return square(adjust(boxes[kept], offsets[kept])), scores[kept]

    def _propose_at(self, sampler: AreaSampler, scale: float) -> tuple[Floats, Floats, Floats]:
        height, width = int(sampler.height * scale + 1), int(sampler.width * scale + 1)
        strips = (sampler.scaled(height, width, rows) for rows in _strips(height, width))
        maps = [self._pnet.run(None, {"image": strip[None]}) for strip in strips]
        score_map, offset_map = (np.concatenate(parts, axis=-2)[0] for parts in zip(*maps, strict=True))
        rows, columns = np.nonzero(score_map >= self._thresholds[0])
        scores = score_map[rows, columns]
        best = _best(scores, _MAX_CANDIDATES_PER_SCALE)
        rows, columns, scores = rows[best], columns[best], scores[best]
        corners = np.stack([columns, rows], axis=1).astype(np.float32) * _STRIDE
        boxes = np.floor(np.hstack([corners + 1, corners + _CELL]) / np.float32(scale))
        kept = suppress(boxes, scores, 0.5)
        return boxes[kept], scores[kept], offset_map[:, rows[kept], columns[kept]].T

    def _refine(self, sampler: AreaSampler, boxes: Floats, scores: Floats) -> Detections:
        """Second and third stage: proposals to faces.

        Most proposals repeat a better one. Those are looked at only where the better one promised a face and gave none.
        """
        best, others = _split(boxes, scores)
        found, promising = self._judge(sampler, best)
        more, _ = self._judge(sampler, others[_near(others, promising) & ~_near(others, found.boxes)])
        return self._polish(sampler, _joined(found, more))

    def _polish(self, sampler: AreaSampler, found: Detections) -> Detections:
        """Better landmarks: the third network once more, on its own boxes. It cannot take a face away."""
        better = self._output(sampler, square(found.boxes))
        kept = ~_near(found.boxes, better.boxes)
        return _joined(better, Detections(found.boxes[kept], found.scores[kept], found.landmarks[kept]))

    def _judge(self, sampler: AreaSampler, proposals: Floats) -> tuple[Detections, Floats]:
        """Faces, and the proposals that the second network did not turn down at once."""
        proposals = sampler.inside(proposals)
        if not len(proposals):
            return NOTHING, proposals
        scores, offsets = _run(self._rnet, sampler, proposals, 24)
        passed = np.flatnonzero(scores > self._thresholds[1])
        kept = passed[suppress(proposals[passed], scores[passed], 0.7)]
        boxes = square(adjust(proposals[kept], offsets[kept], extra=1))
        best, others = _split(boxes, scores[kept])
        found = self._output(sampler, best)
        more = self._output(sampler, others[~_near(others, found.boxes)])
        return _joined(found, more), proposals[scores > _PROMISING]

    def _output(self, sampler: AreaSampler, boxes: Floats) -> Detections:
        """Third stage: final boxes with landmarks, several of some faces."""
        boxes = sampler.inside(boxes)
        if not len(boxes):
            return NOTHING
        scores, offsets, points = _run(self._onet, sampler, boxes, 48)
        passed = scores > self._thresholds[2]
        boxes, scores, offsets, points = boxes[passed], scores[passed], offsets[passed], points[passed]
        sides = boxes[:, None, 2:] - boxes[:, None, :2] + 1
        landmarks = boxes[:, None, :2] + points.reshape(-1, 2, 5).transpose(0, 2, 1) * sides - 1
        # Close-ups often get several boxes of score 1; the reference implementation then takes the last.
        return Detections(adjust(boxes, offsets, extra=1)[::-1], scores[::-1], landmarks[::-1])


def _run(network: ort.InferenceSession, sampler: AreaSampler, boxes: Floats, size: int) -> list[Floats]:
    """The network's outputs for one or more boxes."""
    batch = _BATCHES[size]
    parts = [
        network.run(None, {"image": sampler.crops(boxes[start : start + batch], size)})
        for start in range(0, len(boxes), batch)
    ]
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


def _split(boxes: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """The best box of each bunch, and the others."""
    best = suppress(boxes, scores, _SAME_FACE)
    return boxes[best], np.delete(boxes, best, axis=0)


def _near(boxes: Floats, others: Floats) -> NDArray[np.bool_]:
    """(len(boxes),): whether each box shares its place with any of the others."""
    near = np.zeros(len(boxes), dtype=bool)
    for start in range(0, len(others), _BLOCK):
        near |= (covered(boxes, others[start : start + _BLOCK]) > _SAME_PLACE).any(axis=1)
    return near


def _joined(first: Detections, more: Detections) -> Detections:
    """All faces, each once, best first."""
    # Close-ups often get several boxes of score 1; the reference implementation then takes the last.
    boxes, scores, landmarks = (
        np.concatenate([getattr(more, part), getattr(first, part)]) for part in ("boxes", "scores", "landmarks")
    )
    kept = suppress_nested(boxes, scores, 0.7)
    return Detections(boxes[kept], scores[kept], landmarks[kept])


def _best(scores: Floats, limit: int) -> Indices:
    return np.argsort(-scores, kind="stable")[:limit]


def _strips(height: int, width: int) -> Iterator[range]:
    """Rows of strips whose results, joined, equal that of the whole: a large image needs no large buffers."""
    rows = max(_STRIP_ROWS, _STRIP_PIXELS // (_STRIDE * width))  # of the result
    results = (height - _CELL) // _STRIDE + 1
    for first in range(0, results, rows):
        last = first + rows >= results
        yield range(_STRIDE * first, height if last else _STRIDE * (first + rows - 1) + _CELL)

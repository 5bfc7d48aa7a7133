"""The cascade of Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks"
(2016), with the networks and the arithmetic of facenet-pytorch.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from detectors.boxes import Floats, adjust, covered, square, suppress, suppress_nested
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
_GROUP_PIXELS = 1_000_000
_APART = 2**24  # between boxes that must not suppress each other, pixels
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
        (found,) = self.detect_all([image], min_face=min_face, max_face=max_face)
        return found

    def detect_all(
        self,
        images: Sequence[NDArray[np.uint8]],
        *,
        min_face: float | Sequence[float] | None = None,
        max_face: float | None = None,
    ) -> list[Detections]:
        """The same for several images, of any sizes; faster than one by one if they are small.

        `min_face`: one for all, or one for each.
        """
        smallest = np.broadcast_to(np.array(min_face or self._min_face), len(images))
        largest = max_face or math.inf
        return [found for group in _groups(images) for found in self._detect(images[group], smallest[group], largest)]

    def refine(self, image: NDArray[np.uint8], boxes: Floats) -> Detections:
        """Faces in an RGB image (H, W, 3) near boxes (N, 4) that something else than the first network proposes."""
        (found,) = self.refine_all([image], [boxes])
        return found

    def refine_all(self, images: Sequence[NDArray[np.uint8]], boxes: Sequence[Floats]) -> list[Detections]:
        """The same for several images, each with its boxes."""
        return [found for group in _groups(images) for found in self._refine_given(images[group], boxes[group])]

    def _refine_given(self, images: Sequence[NDArray[np.uint8]], boxes: Sequence[Floats]) -> list[Detections]:
        sampler = AreaSampler(images)
        placed = [sampler.placed(square(of_one), index) for index, of_one in enumerate(boxes)]
        found, _ = self._judge(sampler, np.concatenate(placed))
        return _each(sampler, found, [1.0] * len(images))

    def _detect(self, images: Sequence[NDArray[np.uint8]], smallest: Floats, largest: float) -> list[Detections]:
        shrinks = [min(1.0, math.sqrt(_MAX_IMAGE_PIXELS / max(1, image.shape[0] * image.shape[1]))) for image in images]
        images = [_shrunk(image, shrink) for image, shrink in zip(images, shrinks, strict=True)]
        scales = [
            self._scales(min(image.shape[:2]), least * shrink, largest * shrink)
            for image, least, shrink in zip(images, smallest.tolist(), shrinks, strict=True)
        ]
        if not any(scales):
            return [NOTHING] * len(images)
        sampler = AreaSampler(images)
        proposals = [self._propose(sampler, index, each) for index, each in enumerate(scales) if each]
        boxes, scores = (np.concatenate(parts) for parts in zip(*proposals, strict=True))
        return _each(sampler, self._refine(sampler, boxes, scores), shrinks)

    def _scales(self, shorter_side: float, smallest: float, largest: float) -> list[float]:
        scales = []
        scale = _CELL / smallest
        while scale * shorter_side >= _CELL and scale * largest >= _CELL:
            scales.append(scale)
            scale *= self._factor
        return scales

    def _propose(self, sampler: AreaSampler, index: int, scales: list[float]) -> tuple[Floats, Floats]:
        """First stage: square boxes of one image that may hold a face, from every scale, and their scores."""
        found = [self._propose_at(sampler, index, scale) for scale in scales]
        counts = [len(scores) for _, scores, _ in found]
        corners, scores, offsets = (np.concatenate(parts) for parts in zip(*found, strict=True))
        boxes = np.floor(
            np.hstack([corners + 1, corners + _CELL]) / np.repeat(np.array(scales, np.float32), counts)[:, None]
        )
        # Here boxes of one scale do not suppress those of another.
        apart = boxes + _APART * np.repeat(np.arange(len(scales), dtype=np.float64), counts)[:, None]
        kept = suppress(apart, scores, 0.5)[:_MAX_CANDIDATES]
        boxes, scores, offsets = boxes[kept], scores[kept], offsets[kept]
        kept = suppress(boxes, scores, 0.7)
        return sampler.placed(square(adjust(boxes[kept], offsets[kept])), index), scores[kept]

    def _propose_at(self, sampler: AreaSampler, index: int, scale: float) -> tuple[Floats, Floats, Floats]:
        """Corners of promising windows (N, 2) in pixels of the image at one scale, their scores and offsets."""
        width, height = sampler.size(index)
        size = int(height * scale + 1), int(width * scale + 1)
        strips = (sampler.scaled(index, *size, rows) for rows in _strips(*size))
        maps = [self._pnet.run(None, {"image": strip[None]}) for strip in strips]
        score_map, offset_map = (np.concatenate(parts, axis=-2)[0] for parts in zip(*maps, strict=True))
        rows, columns = np.nonzero(score_map >= self._thresholds[0])
        scores = score_map[rows, columns]
        if len(scores) > _MAX_CANDIDATES_PER_SCALE:
            best = np.argsort(-scores, kind="stable")[:_MAX_CANDIDATES_PER_SCALE]
            rows, columns, scores = rows[best], columns[best], scores[best]
        corners = np.stack([columns, rows], axis=1).astype(np.float32) * _STRIDE
        return corners, scores, offset_map[:, rows, columns].T

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


def _groups(images: Sequence[NDArray[np.uint8]]) -> Iterator[slice]:
    """Images to be searched at once: several small ones, or a large one."""
    first, pixels = 0, 0
    for index, image in enumerate(images):
        pixels += image.shape[0] * image.shape[1]
        if index > first and pixels > _GROUP_PIXELS:
            yield slice(first, index)
            first, pixels = index, image.shape[0] * image.shape[1]
    if images:
        yield slice(first, len(images))


def _each(sampler: AreaSampler, found: Detections, shrinks: list[float]) -> list[Detections]:
    """The faces of each image, in its own pixels."""
    owners = sampler.owners(found.boxes)
    results = []
    for index, shrink in enumerate(shrinks):
        mine = owners == index
        boxes, landmarks = (
            (points.reshape(-1, 2) - sampler.corner(index)).reshape(points.shape) / shrink
            for points in (found.boxes[mine], found.landmarks[mine])
        )
        results.append(Detections(boxes.astype(np.float32), found.scores[mine], landmarks.astype(np.float32)))
    return results


def _shrunk(image: NDArray[np.uint8], shrink: float) -> NDArray[np.uint8]:
    if shrink == 1:
        return image
    size = (math.ceil(image.shape[1] * shrink), math.ceil(image.shape[0] * shrink))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _strips(height: int, width: int) -> Iterator[range]:
    """Rows of strips whose results, joined, equal that of the whole: a large image needs no large buffers."""
    rows = max(_STRIP_ROWS, _STRIP_PIXELS // (_STRIDE * width))  # of the result
    results = (height - _CELL) // _STRIDE + 1
    for first in range(0, results, rows):
        last = first + rows >= results
        yield range(_STRIDE * first, height if last else _STRIDE * (first + rows - 1) + _CELL)

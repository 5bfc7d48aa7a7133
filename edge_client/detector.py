"""Faces of one frame: anywhere, in some regions of it, or near where they are expected."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors import DAMAGED, NOTHING, Detections, Mtcnn, Ultralight, Yunet
from edge_client.boxes import Box, holds, merged
from edge_client.settings import CameraSettings, ConfigError, DetectorName

Image = NDArray[np.uint8]
Boxes = NDArray[np.float32]

_AROUND = 1.0  # of an expected face's size, on every side of it: what following looks at
_ABOUT = 0.6  # of a lost face's size: what is searched around it
_STILL_WANTED = 0.8  # of the smallest size: a followed face that wavers around it is not lost


@dataclass(frozen=True, slots=True)
class Face:
    """A detection: box x1, y1, x2, y2 and landmarks (5, 2) in pixels of the frame, confidence 0-1.

    Landmarks: left eye, right eye (as seen in the image), nose, left and right corner of the mouth; None where the
    detector gives none.
    """

    box: Box
    landmarks: NDArray[np.float32] | None
    confidence: float

    @property
    def size(self) -> float:
        """Longer side of the box, pixels."""
        return _side(self.box)


class Finder(Protocol):
    """A detector's networks. Thread-safe, shared by all cameras of a node. Images are RGB (H, W, 3)."""

    smallest: float
    """Side of the smallest face that the networks find well, pixels: frames are shrunk as far as that allows."""

    def search(self, images: Sequence[Image], smallest: Sequence[float]) -> list[Detections]:
        """Faces in each image, of at least so many pixels there."""

    def follow(self, images: Sequence[Image], boxes: Sequence[Boxes]) -> list[Detections]:
        """Faces in each image near boxes (N, 4) there."""


class MtcnnFinder:
    """MTCNN. Faces that are followed need no pyramid: its second and third network judge where they are expected.

    `proposal_threshold`: of the first network. The cloud's 0.6 would find one more of 539 detections in six videos and
    five of 858 in photos, for half as much work again in the second network.
    """

    smallest = 20.0

    def __init__(self, folder: Path, *, proposal_threshold: float = 0.7) -> None:
        self._mtcnn = Mtcnn(folder, thresholds=(proposal_threshold, 0.7, 0.7))

    def search(self, images: Sequence[Image], smallest: Sequence[float]) -> list[Detections]:
        return self._mtcnn.detect_all(images, min_face=smallest)

    def follow(self, images: Sequence[Image], boxes: Sequence[Boxes]) -> list[Detections]:
        return self._mtcnn.refine_all(images, boxes)


class WholeFinder:
    """A network that finds faces of all sizes at once, and so looks at all of what it is shown."""

    def __init__(self, network: Yunet | Ultralight, smallest: float) -> None:
        self._network = network
        self.smallest = smallest

    def search(self, images: Sequence[Image], smallest: Sequence[float]) -> list[Detections]:
        return [self._network.detect(image) if image.size else NOTHING for image in images]

    def follow(self, images: Sequence[Image], boxes: Sequence[Boxes]) -> list[Detections]:
        return self.search(images, ())


_FINDERS: dict[DetectorName, Callable[[Path], Finder]] = {
    "mtcnn": MtcnnFinder,
    "yunet": lambda file: WholeFinder(Yunet(file), smallest=12.0),
    "ultralight": lambda file: WholeFinder(Ultralight(file), smallest=12.0),
}


def open_finder(name: DetectorName, models: Path) -> Finder:
    """The networks of a detector in a folder (MTCNN) or a file. Raises ConfigError where they cannot be loaded."""
    if name not in _FINDERS:
        raise ConfigError(f"this version has no detector {name}; it has {', '.join(_FINDERS)}")
    try:
        return _FINDERS[name](models)
    except DAMAGED as error:
        raise ConfigError(f"the detector's models in {models} cannot be loaded: {error}") from error


class FaceDetector:
    """One camera's detector: faces of the sizes and the certainty that its settings want."""

    def __init__(self, finder: Finder, settings: CameraSettings) -> None:
        self._finder = finder
        self._min_size = settings.min_size
        self._max_size = settings.max_size or np.inf
        self._min_confidence = settings.min_confidence

    def search(self, image: Image, regions: Sequence[Box] | None = None) -> list[Face]:
        """Faces in an RGB image (H, W, 3), or only in regions of it that do not touch each other."""
        height, width = image.shape[:2]
        searched = [(0.0, 0.0, width, height)] if regions is None else regions
        return self._search([self._part(image, region, self._min_size) for region in searched], image)

    def search_near(self, image: Image, boxes: Sequence[Box]) -> list[Face]:
        """Faces around boxes where some were, and of about their size: a small part of the work."""
        parts = [
            self._part(image, region, max(self._min_size, _ABOUT * min(_side(box) for box in inside)))
            for region, inside in _around(boxes)
        ]
        return self._search(parts, image)

    def _search(self, parts: Sequence["_Part"], image: Image) -> list[Face]:
        found = self._finder.search([part.image for part in parts], [part.least / part.shrink for part in parts])
        return self._wanted(parts, found, image)

    def follow(self, image: Image, boxes: Sequence[Box]) -> list[Face]:
        """Faces near the boxes where they are expected."""
        least = self._min_size * _STILL_WANTED
        around = [(self._part(image, region, least), inside) for region, inside in _around(boxes)]
        near = [
            (np.array(inside, np.float32) - np.tile(part.corner, 2)) / np.float32(part.shrink)
            for part, inside in around
        ]
        parts = [part for part, _ in around]
        return self._wanted(parts, self._finder.follow([part.image for part in parts], near), image)

    def _part(self, image: Image, region: Box, least: float) -> "_Part":
        """A region, shrunk as far as faces of `least` pixels allow."""
        shrink = max(1, int(least / self._finder.smallest))
        height, width = image.shape[:2]
        left, top = (max(0, int(value)) for value in region[:2])
        right, bottom = min(width, int(region[2])), min(height, int(region[3]))
        # Whole multiples: shrinking is several times faster when no pixel is split.
        size = max(0, right - left) // shrink, max(0, bottom - top) // shrink
        part = image[top : top + size[1] * shrink, left : left + size[0] * shrink]
        if shrink > 1 and part.size:
            part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
        return _Part(part, np.array([left, top], np.float32), shrink, least)

    def _wanted(self, parts: Sequence["_Part"], found: Sequence[Detections], image: Image) -> list[Face]:
        """The detections of each part as faces of the image: those that the settings want."""
        height, width = image.shape[:2]
        return [
            face
            for part, of_part in zip(parts, found, strict=True)
            for face in part.placed(of_part)
            if face.confidence >= self._min_confidence
            and part.least <= face.size <= self._max_size
            and _centred_in(face.box, width, height)
        ]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a frame.

    Its pixels, its corner in the frame, how many of the frame's pixels one of its spans, and how many the smallest
    face does that is wanted there.
    """

    image: Image
    corner: NDArray[np.float32]
    shrink: int
    least: float

    def placed(self, found: Detections) -> list[Face]:
        """Detections in the part as faces of the frame."""
        boxes = (found.boxes * self.shrink + np.tile(self.corner, 2)).tolist()
        landmarks = found.landmarks * self.shrink + self.corner if len(found.landmarks) else [None] * len(found)
        return [
            Face((left, top, right, bottom), points, score)
            for (left, top, right, bottom), points, score in zip(boxes, landmarks, found.scores.tolist(), strict=True)
        ]


def _around(boxes: Sequence[Box]) -> list[tuple[Box, list[Box]]]:
    """Regions apart from each other around all boxes, each with those that lie in it."""
    regions = merged([_grown(box, _AROUND) for box in boxes])
    return [(region, [box for box in boxes if holds(region, box)]) for region in regions]


def _side(box: Box) -> float:
    """The longer one, pixels."""
    return max(box[2] - box[0], box[3] - box[1])


def _grown(box: Box, share: float) -> Box:
    """With so much of its side added on every side."""
    margin = share * _side(box)
    return box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin


def _centred_in(box: Box, width: int, height: int) -> bool:
    """Less than half of any other face can be seen."""
    x1, y1, x2, y2 = box
    return 0 <= x1 + x2 <= 2 * width and 0 <= y1 + y2 <= 2 * height

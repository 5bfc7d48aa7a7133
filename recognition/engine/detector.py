"""Finding faces."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from detectors import Detections, Mtcnn, Ultralight, Yunet
from detectors.boxes import Floats
from recognition.engine.faces import Face, Image, Landmarks
from recognition.engine.packs import Pack

_SHARES_OF_CROP = np.array([[0.55], [0.7], [0.9]], np.float32)  # of its longer side: how large its face may be


class Detector(Protocol):
    """Must be thread-safe."""

    def detect(self, images: Sequence[Image], *, crops: bool = False) -> list[list[Face]]:
        """The faces of each image, most certain first. `crops`: the images were cut around one face each; if it is
        there, look no further.
        """


class MtcnnDetector:
    """MTCNN with a pack's networks."""

    def __init__(self, pack: Pack, *, threads: int = 1) -> None:
        self._mtcnn = Mtcnn(pack.folder, threads=threads)

    def detect(self, images: Sequence[Image], *, crops: bool = False) -> list[list[Face]]:
        if not crops:
            return list(map(to_faces, self._mtcnn.detect_all(images)))
        near = map(to_faces, self._mtcnn.refine_all(images, list(map(_in_the_middle, images))))
        return [faces or to_faces(self._mtcnn.detect(image)) for faces, image in zip(near, images, strict=True)]


class YunetDetector:
    """YuNet with a pack's network. It finds a large face as fast as any, so `crops` changes nothing."""

    def __init__(self, pack: Pack, *, threads: int = 1) -> None:
        (network,) = pack.manifest.detector.files
        self._yunet = Yunet(pack.path(network), threads=threads)

    def detect(self, images: Sequence[Image], *, crops: bool = False) -> list[list[Face]]:
        return [to_faces(self._yunet.detect(image)) for image in images]


class UltralightDetector:
    """Ultra-Light with a pack's networks. MTCNN's third network adds the landmarks, and turns down what is no face."""

    def __init__(self, pack: Pack, *, threads: int = 1) -> None:
        network, *_ = pack.manifest.detector.files
        self._ultralight = Ultralight(pack.path(network), threads=threads)
        self._mtcnn = Mtcnn(pack.folder, threads=threads)

    def detect(self, images: Sequence[Image], *, crops: bool = False) -> list[list[Face]]:
        proposals = [self._ultralight.detect(image).boxes for image in images]
        return list(map(to_faces, self._mtcnn.refine_all(images, proposals)))


_DETECTORS: Mapping[str, Callable[..., Detector]] = {
    "mtcnn": MtcnnDetector,
    "yunet": YunetDetector,
    "ultralight": UltralightDetector,
}


def open_detector(pack: Pack, *, threads: int = 1) -> Detector:
    """The detector that the pack's manifest names."""
    return _DETECTORS[pack.manifest.detector.kind](pack, threads=threads)


def _in_the_middle(image: Image) -> Floats:
    """Boxes (3, 4) where the face of a crop may lie."""
    height, width = image.shape[:2]
    middle, half = np.array([width, height], np.float32) / 2, _SHARES_OF_CROP * max(height, width) / 2
    return np.hstack([middle - half, middle + half])


def to_faces(detections: Detections) -> list[Face]:
    """The same as objects."""
    return [
        Face(box=tuple(box), landmarks=_points(points), confidence=score)
        for box, points, score in zip(
            detections.boxes.tolist(), detections.landmarks.tolist(), detections.scores.tolist(), strict=True
        )
    ]


def _points(points: list[list[float]]) -> Landmarks:
    left_eye, right_eye, nose, left_mouth, right_mouth = ((x, y) for x, y in points)
    return left_eye, right_eye, nose, left_mouth, right_mouth

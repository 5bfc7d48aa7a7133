"""Finding faces."""

from typing import Protocol

from mtcnn import Detections, Mtcnn
from recognition.engine.faces import Face, Image, Landmarks
from recognition.engine.packs import Pack

_SHARE_OF_CROP = 0.4


class Detector(Protocol):
    """Must be thread-safe."""

    def detect(self, image: Image, *, crop: bool = False) -> list[Face]:
        """Faces, most certain first. `crop`: the image was cut around one face, so look for a large one first."""


class MtcnnDetector:
    """MTCNN with a pack's networks."""

    def __init__(self, pack: Pack, *, threads: int = 1) -> None:
        self._mtcnn = Mtcnn(pack.folder, threads=threads)

    def detect(self, image: Image, *, crop: bool = False) -> list[Face]:
        if crop and (faces := _faces(self._mtcnn.detect(image, min_face=_SHARE_OF_CROP * min(image.shape[:2])))):
            return faces
        return _faces(self._mtcnn.detect(image))


def _faces(detections: Detections) -> list[Face]:
    return [
        Face(box=tuple(box), landmarks=_points(points), confidence=score)
        for box, points, score in zip(
            detections.boxes.tolist(), detections.landmarks.tolist(), detections.scores.tolist(), strict=True
        )
    ]


def _points(points: list[list[float]]) -> Landmarks:
    left_eye, right_eye, nose, left_mouth, right_mouth = ((x, y) for x, y in points)
    return left_eye, right_eye, nose, left_mouth, right_mouth

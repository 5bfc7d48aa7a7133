"""Faces of one frame."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as onnx

from edge_client.config import ConfigError
from mtcnn import Mtcnn

Box = tuple[float, float, float, float]

_DAMAGED = (onnx.Fail, onnx.InvalidArgument, onnx.InvalidGraph, onnx.InvalidProtobuf, onnx.NotImplemented)


@dataclass(frozen=True, slots=True)
class Face:
    """A detection: box x1, y1, x2, y2 and landmarks (5, 2) in pixels of the frame, confidence 0-1.

    Landmarks: left eye, right eye (as seen in the image), nose, left and right corner of the mouth.
    """

    box: Box
    landmarks: NDArray[np.float32]
    confidence: float

    @property
    def size(self) -> float:
        """Longer side of the box, pixels."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


class FaceDetector:
    """MTCNN, narrowed to faces of `min_size` to `max_size` pixels and at least `min_confidence`.

    `models`: folder with its three networks. Raises ConfigError where they cannot be loaded.
    """

    def __init__(self, models: Path, *, min_size: float, max_size: float | None, min_confidence: float) -> None:
        try:
            self._mtcnn = Mtcnn(models, min_face=min_size)
        except _DAMAGED as error:
            raise ConfigError(f"the detector's models in {models} cannot be loaded: {error}") from error
        self._min_size = min_size
        self._max_size = max_size or np.inf
        self._min_confidence = min_confidence

    def detect(self, image: NDArray[np.uint8]) -> list[Face]:
        """Faces in an RGB image (H, W, 3), best first."""
        found = self._mtcnn.detect(image)
        faces = [
            Face((float(box[0]), float(box[1]), float(box[2]), float(box[3])), landmarks, float(score))
            for box, score, landmarks in zip(found.boxes, found.scores, found.landmarks, strict=True)
        ]
        height, width = image.shape[:2]
        return [face for face in faces if self._wanted(face) and _centred_in(face.box, width, height)]

    def _wanted(self, face: Face) -> bool:
        return face.confidence >= self._min_confidence and self._min_size <= face.size <= self._max_size


def _centred_in(box: Box, width: int, height: int) -> bool:
    """Less than half of any other face can be seen."""
    x1, y1, x2, y2 = box
    return 0 <= x1 + x2 <= 2 * width and 0 <= y1 + y2 <= 2 * height

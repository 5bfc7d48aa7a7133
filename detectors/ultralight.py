"""Ultra-Light-Fast-Generic-Face-Detector-1MB (Linzaer; RFB-320 and RFB-640). It gives boxes only."""

from pathlib import Path

import numpy as np

from detectors.boxes import suppress
from detectors.faces import Detections
from detectors.letterbox import Image, letterbox
from detectors.sessions import open_session

_LEAST_SCORE = 0.6
_MOST_OVERLAP = 0.3  # of two faces' union
_NO_LANDMARKS = np.zeros((0, 5, 2), np.float32)


class Ultralight:
    """The network in a file. Thread-safe.

    A larger image is shrunk to the network's input, where faces below some 10 pixels are not found.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._session = open_session(path, threads=threads)
        self._input = self._session.get_inputs()[0]

    def detect(self, image: Image) -> Detections:
        """Faces in an RGB image (H, W, 3), without landmarks."""
        *_, height, width = self._input.shape
        canvas, scale = letterbox(image, width, height)
        pixels = (np.ascontiguousarray(canvas[None].transpose(0, 3, 1, 2), np.float32) - 127) / 128
        scores, boxes = (values[0] for values in self._session.run(["scores", "boxes"], {self._input.name: pixels}))
        likely = scores[:, 1] >= _LEAST_SCORE
        size = np.array([width, height, width, height], np.float32) / np.float32(scale)
        scores, boxes = scores[likely, 1], boxes[likely] * size
        best = suppress(boxes, scores, _MOST_OVERLAP)
        return Detections(boxes[best], scores[best], _NO_LANDMARKS)

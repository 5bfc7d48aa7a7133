"""YuNet: one small network that gives boxes and landmarks at once.

Source: Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector" (2023). The outputs are those of the files that
libfacedetection and OpenCV Zoo publish: for each stride the cells' class and object scores, boxes and five points.
"""

from pathlib import Path

import numpy as np

from detectors.boxes import Floats, suppress
from detectors.faces import Detections
from detectors.letterbox import Image, letterbox
from detectors.sessions import open_session

_STRIDES = (8, 16, 32)  # pixels
_LEAST_SCORE = 0.6
_MOST_OVERLAP = 0.3  # of two faces' union
# A larger image is searched at this size. Beyond it, faces that fill the image are missed.
_LONGEST_SIDE = 960


class Yunet:
    """The network in a file, which takes images of any size or of one fixed size. Thread-safe."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._session = open_session(path, threads=threads)
        self._input = self._session.get_inputs()[0]
        self._outputs = [f"{kind}_{stride}" for stride in _STRIDES for kind in ("cls", "obj", "bbox", "kps")]

    def detect(self, image: Image) -> Detections:
        """Faces in an RGB image (H, W, 3)."""
        canvas, scale = letterbox(image, *self._size(image))
        bgr = np.ascontiguousarray(canvas[None, ..., ::-1].transpose(0, 3, 1, 2), np.float32)
        maps = iter(self._session.run(self._outputs, {self._input.name: bgr}))
        columns = canvas.shape[1]
        found = [_decode(stride, columns // stride, *(next(maps)[0] for _ in range(4))) for stride in _STRIDES]
        boxes, scores, points = (np.concatenate(parts) for parts in zip(*found, strict=True))
        best, enlarged = suppress(boxes, scores, _MOST_OVERLAP), np.float32(1 / scale)
        return Detections(boxes[best] * enlarged, scores[best], points[best] * enlarged)

    def _size(self, image: Image) -> tuple[int, int]:
        """Width and height to search at: multiples of the coarsest stride."""
        *_, height, width = self._input.shape
        if isinstance(height, int):
            return width, height
        shrink = min(1.0, _LONGEST_SIDE / max(1, *image.shape[:2]))
        across, down = (max(1, -int(-side * shrink // _STRIDES[-1])) for side in image.shape[1::-1])
        return across * _STRIDES[-1], down * _STRIDES[-1]


def _decode(
    stride: int, columns: int, classes: Floats, objects: Floats, offsets: Floats, points: Floats
) -> tuple[Floats, Floats, Floats]:
    """Boxes (N, 4), scores (N,) and landmarks (N, 5, 2), in pixels, of one stride's cells that hold a face."""
    certainty = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
    cells = np.flatnonzero(certainty >= _LEAST_SCORE)
    corners = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
    pixels = np.float32(stride)
    centres, sides = (corners + offsets[cells, :2]) * pixels, np.exp(offsets[cells, 2:]) * pixels
    boxes: Floats = np.hstack([centres - sides / 2, centres + sides / 2])
    scores: Floats = certainty[cells]
    landmarks: Floats = (corners[:, None] + points[cells].reshape(-1, 5, 2)) * pixels
    return boxes, scores, landmarks

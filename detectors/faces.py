"""What every detector answers."""

from dataclasses import dataclass

import numpy as np

from detectors.boxes import Floats


@dataclass(frozen=True, slots=True)
class Detections:
    """Faces of one image, best first.

    boxes (N, 4) x1, y1, x2, y2 and landmarks (N, 5, 2) x, y: float32, pixels, may lie a little outside the image.
    Landmarks: left eye, right eye (as seen in the image), nose, left and right corner of the mouth; (0, 5, 2) from a
    detector that gives none. scores (N,) 0-1.
    """

    boxes: Floats
    scores: Floats
    landmarks: Floats

    def __len__(self) -> int:
        return len(self.scores)


NOTHING = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))

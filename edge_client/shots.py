"""Which moments of a video make good enrolment photos: one sharp, large face, unlike the photos taken before."""

from collections.abc import Sequence

import cv2
import numpy as np

from edge_client.bestshot import frontality, sharpness
from edge_client.detector import Face, Image
from edge_client.source import Frame

_GAP = 0.5  # seconds between shots
_SHARP = 0.3
_FRONTAL = 0.3
_TOO_ALIKE = 0.95  # correlation of two faces: beyond, a second photo of the same pose teaches nothing
_SIDE, _ROOM = 32, 4  # pixels of a face to compare, and around it

NO_FACE, SEVERAL, BLURRED, ASIDE = "no face", "several faces", "blurred", "face the camera"
WAIT, ALIKE = "wait", "turn the head a little"
UNFIT = {SEVERAL, BLURRED, ASIDE}  # objections to the picture itself, whatever was taken before


class Chooser:
    """Says of each frame whether to take it. Times are seconds on the frames' clock."""

    def __init__(self) -> None:
        self._taken: list[Image] = []
        self._not_before = -np.inf

    def objection(self, frame: Frame, faces: Sequence[Face]) -> str:
        """Why this frame is not taken; empty if it should be."""
        if len(faces) != 1:
            return SEVERAL if faces else NO_FACE
        (face,) = faces
        if sharpness(frame.image, face) < _SHARP:
            return BLURRED
        if face.landmarks is not None and frontality(face.landmarks) < _FRONTAL:
            return ASIDE
        if frame.seconds < self._not_before:
            return WAIT
        look = _look(frame.image, face)
        return ALIKE if any(_likeness(look, other) > _TOO_ALIKE for other in self._taken) else ""

    def take(self, frame: Frame, face: Face, *, accepted: bool) -> None:
        """The frame was taken. Only accepted ones count for what a later one must differ from."""
        self._not_before = frame.seconds + _GAP
        if accepted:
            self._taken.append(_look(frame.image, face))


def _look(image: Image, face: Face) -> Image:
    """The face, grey, with a little around it."""
    width = (face.box[2] - face.box[0]) * _ROOM / _SIDE
    height = (face.box[3] - face.box[1]) * _ROOM / _SIDE
    x1, y1 = (max(0, round(value)) for value in (face.box[0] - width, face.box[1] - height))
    x2, y2 = (max(0, round(value)) for value in (face.box[2] + width, face.box[3] + height))
    side = _SIDE + 2 * _ROOM
    small = cv2.resize(image[y1:y2, x1:x2], (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def _likeness(one: Image, other: Image) -> float:
    """1 for the same pose whatever the light; boxes that sit a little differently on the face count for nothing."""
    inner = one[_ROOM:-_ROOM, _ROOM:-_ROOM]
    return float(cv2.matchTemplate(other, inner, cv2.TM_CCOEFF_NORMED).max())

"""Which pictures of a track are worth sending: two early, later one that is clearly better, or now and then another.

The server decides on all crops of a track together, and one alone often does not suffice. So a track gets another look
even if it is no better, after waits that grow, until the server has named it.
"""

import math
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client import codec
from edge_client.detector import Face, Image
from edge_client.source import Frame

USABLE = 0.4  # score from which the first shot need not wait for a better one
HOPEFUL = 0.25  # score from which a track may be named, so that its first such crop should not wait for company
FIRST_AFTER = 0.5  # seconds: else, long enough to pass over the blurred first glimpse
BETTER_AFTER = 1.0  # seconds between a shot and one that is, by this factor
CLEARLY_BETTER = 1.25
SOON_AFTER = 0.4  # the same, where a poor first look gives way to a face that turns to the camera
FAR_BETTER = 2.0
AGAIN_AFTER = 0.4  # seconds until another look: time for both to travel in one request (outbox.HURRY)
AGAIN_GROWTH = 1.5  # the next wait is so many times as long
GOOD_ENOUGH = 0.6  # of the best score sent: what another look must have
_GOOD_SIZE = 90.0  # pixels: beyond this an embedder gains little
_GOOD_SHARPNESS = 150.0  # variance of the Laplacian of a face scaled to 64x64
_GOOD_LIGHT = (40.0, 215.0)  # mean level of a face of any complexion, neither in the dark nor blinded
_UNKNOWN_POSE = 0.7  # frontality where the detector gives no landmarks


@dataclass(frozen=True, slots=True)
class Shot:
    """One crop of a face with its score and the circumstances of its frame.

    `frame_size`: width, height. `seconds`: the frame's time on its steady clock.
    """

    score: float
    image: Image
    face: Face
    captured_at: datetime
    frame_size: tuple[int, int]
    seconds: float


class BestShot:
    """Chooses among one track's shots. Times are seconds on the frames' steady clock."""

    def __init__(self, seconds: float) -> None:
        self._first_by = seconds + FIRST_AFTER
        self._sent_at = self._again_at = 0.0
        self._wait = AGAIN_AFTER
        self._sent_score = 0.0
        self._best: Shot | None = None

    def wants(self, score: float) -> bool:
        """Whether a shot of this score would be kept: else it need not be cut out of its frame."""
        return self._best is None or score > self._best.score

    def offer(self, shot: Shot) -> None:
        if self.wants(shot.score):
            self._best = shot

    def due(self, seconds: float) -> Shot | None:
        """The shot to send now, if any."""
        shot = self._best
        if shot is None or shot.score < self._needed(seconds):
            return None
        self._sent_at = seconds
        self._again_at = seconds + self._wait
        self._wait *= AGAIN_GROWTH
        return self._take(shot)

    def last(self) -> Shot | None:
        """The shot to send whatever the time, because the track has ended."""
        shot = self._best
        return self._take(shot) if shot and shot.score >= self._sent_score * CLEARLY_BETTER else None

    def _needed(self, seconds: float) -> float:
        """The score from which a shot is worth sending now."""
        if not self._sent_score:
            return USABLE if seconds < self._first_by else 0.0
        if seconds >= self._again_at:
            return self._sent_score * GOOD_ENOUGH
        if seconds >= self._sent_at + BETTER_AFTER:
            return self._sent_score * CLEARLY_BETTER
        return self._sent_score * FAR_BETTER if seconds >= self._sent_at + SOON_AFTER else math.inf

    def _take(self, shot: Shot) -> Shot:
        self._sent_score, self._best = max(self._sent_score, shot.score), None
        return shot


def take_shot(frame: Frame, face: Face, value: float) -> Shot:
    """`value`: the face's score."""
    height, width = frame.image.shape[:2]
    image = codec.crop(frame.image, face.box)
    return Shot(value, image, face, frame.captured_at, (width, height), frame.seconds)


def score(image: Image, face: Face) -> float:
    """How useful a face is for recognition, above 0 and at most 1: large, sharp, lit, frontal, whole, surely a face."""
    size = min(1.0, face.size / _GOOD_SIZE)
    pose = _UNKNOWN_POSE if face.landmarks is None else frontality(face.landmarks)
    gray = _gray(image, face)
    clear = 0.0 if gray is None else _detail(gray) * _light(gray)
    return max(1e-6, size * clear * pose * _inside(image, face) * face.confidence)


def frontality(landmarks: NDArray[np.float32]) -> float:
    """1 where the nose lies midway between the eyes, as seen along their line, falling to 0.1 where it passes one."""
    left, right, nose = landmarks[0], landmarks[1], landmarks[2]
    line = right - left
    length = float(np.hypot(*line))
    if length < 1e-6:
        return 0.1
    offset = abs(float((nose - (left + right) / 2) @ line)) / length**2  # 0.5 at an eye
    return max(0.1, 1 - 2 * offset)


def sharpness(image: Image, face: Face) -> float:
    """0-1, from a face's detail at a size where every camera could show it."""
    gray = _gray(image, face)
    return 0.0 if gray is None else _detail(gray)


def _detail(gray: Image) -> float:
    return min(1.0, float(cv2.Laplacian(gray, cv2.CV_64F).var()) / _GOOD_SHARPNESS)


def _light(gray: Image) -> float:
    """1 in good light, 0 in none or where all is white."""
    level = float(gray.mean())
    dark, bright = _GOOD_LIGHT
    return min(1.0, level / dark, (255 - level) / (255 - bright))


def _gray(image: Image, face: Face) -> Image | None:
    """The face's part of the frame, grey, 64x64; None outside the frame."""
    x1, y1, x2, y2 = (max(0, round(value)) for value in face.box)
    part = image[y1:y2, x1:x2]
    if not part.size:
        return None
    return np.asarray(cv2.cvtColor(cv2.resize(part, (64, 64), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY))


def _inside(image: Image, face: Face) -> float:
    """Share of the box that lies in the frame."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = face.box
    seen = max(0.0, min(x2, width) - max(x1, 0)) * max(0.0, min(y2, height) - max(y1, 0))
    area = (x2 - x1) * (y2 - y1)
    return seen / area if area > 0 else 0.0

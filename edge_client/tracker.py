"""Follows faces from frame to frame: overlap with where each was expected, at constant speed."""

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_client.boxes import Box
from edge_client.detector import Face

Floats = NDArray[np.float64]

CONFIRM_HITS = 3  # detections that make a track: false alarms of a detector seldom come in rows
MAX_MISSED = 1.0  # seconds a face may hide before its track ends
MIN_MISSES = 2  # looks in vain before a track ends: at one frame a second, one is no sign that the face has gone
MIN_OVERLAP = 0.2
SAME_MOMENT = 1e-3  # seconds: frames closer than this tell nothing about speed
# Boxes grow by this share of their size on every side before they are compared, because at low frame rates a small
# face moves further than its own width (Yang et al., "Hard to Track Objects with Irregular Motions", WACV 2023).
BUFFER = 0.5
# Who walks in front of somebody takes their place in the picture, but is larger. A detector's boxes differ in size by
# less than JITTER from one frame to the next, and a face grows or shrinks by less than GROWTH in a second.
JITTER = 1.25
GROWTH = 2.7
SIZE_MEMORY = 0.25  # seconds over which a track's size, and how it grows, are averaged


@dataclass(slots=True, eq=False)
class Track:
    """One face over time. `id` is unique for its camera, also across restarts, and short, as it travels with crops."""

    box: Floats
    seen_at: float
    id: str = field(default_factory=lambda: secrets.token_urlsafe(6))
    hits: int = 1
    misses: int = 0
    velocity: Floats = field(default_factory=lambda: np.zeros(4))
    size: float = field(init=False)  # as the logarithm of its sides, without jitter
    growth: float = 0.0  # of that, in a second

    def __post_init__(self) -> None:
        self.size = _log_size(self.box)

    @property
    def confirmed(self) -> bool:
        return self.hits >= CONFIRM_HITS

    def expected(self, seconds: float) -> Floats:
        return self.box + self.velocity * (seconds - self.seen_at)

    def expected_box(self, seconds: float) -> Box:
        left, top, right, bottom = self.expected(seconds).tolist()
        return left, top, right, bottom

    def follow(self, box: Floats, seconds: float) -> None:
        elapsed = seconds - self.seen_at
        if elapsed >= SAME_MOMENT:
            # The whole box moves with its centre: the jitter of its edges is not motion.
            shift = (box - self.box).reshape(2, 2).mean(axis=0) / elapsed
            self.velocity = (self.velocity + np.tile(shift, 2)) / 2
            self._follow_size(_log_size(box), elapsed)
        self.box, self.seen_at, self.hits, self.misses = box, seconds, self.hits + 1, 0

    def _follow_size(self, size: float, elapsed: float) -> None:
        """A critically damped alpha-beta filter: a mean alone would lag behind who comes closer quickly."""
        rest = math.exp(-elapsed / SIZE_MEMORY / 2)
        expected = self.size + self.growth * elapsed
        self.size = expected + (1 - rest**2) * (size - expected)
        self.growth += (1 - rest) ** 2 * (size - expected) / elapsed

    def expected_size(self, seconds: float) -> float:
        """Logarithm of pixels."""
        return self.size + self.growth * (seconds - self.seen_at)

    def ended(self, seconds: float) -> bool:
        return seconds - self.seen_at > MAX_MISSED and self.misses >= MIN_MISSES


class Tracker:
    """Gives each detection the track that it continues or begins."""

    def __init__(self) -> None:
        self.tracks: list[Track] = []

    def update(self, faces: Sequence[Face], seconds: float) -> list[Track]:
        """The track of each face, in the same order. `seconds`: the frame's time on a clock that never goes back."""
        boxes = np.array([face.box for face in faces], np.float64).reshape(-1, 4)
        for track in self.tracks:
            track.misses += 1
        found: dict[int, Track] = {}
        overlaps = _overlaps(np.array([track.expected(seconds) for track in self.tracks]).reshape(-1, 4), boxes)
        if overlaps.size:
            overlaps[~self._plausible(boxes, seconds)] = 0
        while overlaps.size and overlaps.max() >= MIN_OVERLAP:
            row, column = divmod(int(overlaps.argmax()), len(faces))
            track = found[column] = self.tracks[row]
            track.follow(boxes[column], seconds)
            overlaps[row], overlaps[:, column] = 0, 0
        for column in set(range(len(faces))) - set(found):
            found[column] = Track(boxes[column], seconds)
            self.tracks.append(found[column])
        return [found[column] for column in range(len(faces))]

    def _plausible(self, boxes: Floats, seconds: float) -> NDArray[np.bool_]:
        """(T, N): whether the face of a track can have the size of a box by now."""
        expected = [[track.expected_size(seconds)] for track in self.tracks]
        changes = np.array([_log_size(box) for box in boxes]) - expected
        allowed = [[math.log(JITTER) + math.log(GROWTH) * (seconds - track.seen_at)] for track in self.tracks]
        return np.asarray(np.abs(changes) <= allowed)

    def take_ended(self, seconds: float) -> list[Track]:
        """Tracks not seen for too long; each is given once."""
        ended = [track for track in self.tracks if track.ended(seconds)]
        self.tracks = [track for track in self.tracks if not track.ended(seconds)]
        return ended

    def take_all(self) -> list[Track]:
        """Every track, because no frame can continue any."""
        ended, self.tracks = self.tracks, []
        return ended

    @property
    def active(self) -> int:
        """Confirmed tracks that have not ended."""
        return sum(track.confirmed for track in self.tracks)


def _overlaps(tracks: Floats, boxes: Floats) -> Floats:
    """Intersection over union (T, N) of boxes (T, 4) and (N, 4), each grown by BUFFER."""
    tracks, boxes = _grown(tracks)[:, None], _grown(boxes)[None]
    sides = np.minimum(tracks[..., 2:], boxes[..., 2:]) - np.maximum(tracks[..., :2], boxes[..., :2])
    shared: Floats = sides.clip(min=0).prod(axis=-1)
    union = _area(tracks) + _area(boxes) - shared
    return shared / np.maximum(union, 1e-9)


def _grown(boxes: Floats) -> Floats:
    margin = (boxes[:, 2:] - boxes[:, :2]) * BUFFER
    return np.hstack([boxes[:, :2] - margin, boxes[:, 2:] + margin])


def _log_size(box: Floats) -> float:
    """The logarithm of its sides, pixels; of an empty one as if it had one."""
    return math.log(max(1.0, float(_area(box)))) / 2


def _area(boxes: Floats) -> Floats:
    return np.asarray((boxes[..., 2:] - boxes[..., :2]).clip(min=0).prod(axis=-1))

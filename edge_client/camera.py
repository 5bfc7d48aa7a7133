"""One camera: frames in, best shots and signs of presence out."""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from edge_client import codec
from edge_client.bestshot import HOPEFUL, BestShot, Shot, score, take_shot
from edge_client.boxes import Box, holds
from edge_client.bundle import content_id
from edge_client.detector import Face, FaceDetector, Image
from edge_client.motion import MotionGate
from edge_client.outbox import Outbox
from edge_client.server import Crop
from edge_client.settings import CameraConfig
from edge_client.source import Frame
from edge_client.tracker import Track, Tracker

log = logging.getLogger(__name__)

SEARCH_EVERY = 0.45  # seconds between searches for new faces; known ones are followed in every frame
LOOK_EVERYWHERE_EVERY = 5.0  # seconds: a face that never moved is found by then
BEAT_EVERY = 25.0  # seconds between signs that somebody is still there
HURRIED = 2  # crops of a track: who is not named on these is probably a stranger, who can wait for company
LONG_UNSENT = 1.0  # seconds without a crop, after which one more is hurried: those before were probably poor
_TOLD_ENOUGH = 1.0  # seconds before a track's end: a sign at the end would say nothing new
_RATE_WINDOW = 10.0  # seconds
_MINUTE = 60.0


@dataclass(slots=True)
class _Visit:
    """What was sent of a track. `told_at`: when the server was last told of it, on the frames' clock; None: never.
    `hurried`: how many crops that may well be named were sent at once.
    """

    best: BestShot
    seen_at: datetime
    told_at: float | None = None
    hurried: int = 0


class Camera:
    """Finds, follows and submits the faces of one camera. Frames come from one thread at a time."""

    def __init__(self, config: CameraConfig, detector: FaceDetector, outbox: Outbox) -> None:
        settings = config.settings
        self._id = config.id
        self._is_live = config.is_live
        self._codec = codec.available(settings.codec)
        self._detector = detector
        self._outbox = outbox
        self._gate = MotionGate(settings.min_size) if settings.motion else None
        self._tracker = Tracker()
        self._visits: dict[Track, _Visit] = {}
        self._shape: tuple[int, ...] = ()
        self._searched_at = self._looked_everywhere_at = float("-inf")
        self._turn = threading.Lock()
        self.figures = Figures()

    def process(self, frame: Frame) -> None:
        """Look at one frame and send what is due."""
        with self._turn:
            if frame.image.shape != self._shape:  # what was known of the picture holds no longer
                self._end(self._tracker.take_all())
                self._shape = frame.image.shape
            faces = self._find(frame)
            self.figures.analysed(len(faces))
            for face, track in zip(faces, self._tracker.update(faces, frame.seconds), strict=True):
                self._see(frame, face, track)
            for track, visit in self._visits.items():
                if track.confirmed:
                    self._tell(track, visit, frame.seconds)
            self._end(self._tracker.take_ended(frame.seconds))
            self.figures.active = self._tracker.active

    def end_tracks(self) -> None:
        """No frames come for a while, or no more at all."""
        with self._turn:
            self._end(self._tracker.take_all())
            self.figures.active = 0

    def _find(self, frame: Frame) -> list[Face]:
        """Now and then new faces where something moves; known ones that this did not show, where they are expected."""
        image, now = frame.image, frame.seconds
        if self._gate is None:
            return self._detector.search(image)
        searched = self._due(image, self._gate.regions(image, now), now)
        faces = self._detector.search(image, searched) if searched else []
        expected = [(track, track.expected_box(now)) for track in self._tracker.tracks]
        hidden = [(track, box) for track, box in expected if not _among(box, faces)]
        self._add(faces, self._detector.follow(image, [box for _, box in hidden]))
        lost = [
            box
            for track, box in hidden
            if not track.misses  # it was here just now
            and not any(holds(region, box) for region in searched)
            and not _among(box, faces)
        ]
        self._add(faces, self._detector.search_near(image, lost))
        return faces

    def _due(self, image: Image, regions: list[Box] | None, now: float) -> list[Box]:
        """Where to search for new faces, if it is time to: in regions that move or (None) everywhere."""
        if now - self._searched_at < SEARCH_EVERY:
            return []
        if regions is None or now - self._looked_everywhere_at >= LOOK_EVERYWHERE_EVERY:
            height, width = image.shape[:2]
            regions, self._looked_everywhere_at = [(0, 0, width, height)], now
        if regions:
            self._searched_at = now
        return regions

    @staticmethod
    def _add(faces: list[Face], found: list[Face]) -> None:
        """Those of them that are not among the others yet."""
        faces += [face for face in found if not _among(face.box, faces)]

    def _see(self, frame: Frame, face: Face, track: Track) -> None:
        visit = self._visits.get(track)
        if visit is None:
            visit = self._visits[track] = _Visit(BestShot(frame.seconds), frame.captured_at)
        visit.seen_at = frame.captured_at
        if not self._outbox.settled(self._id, track.id) and visit.best.wants(value := score(frame.image, face)):
            visit.best.offer(take_shot(frame, face, value))

    def _tell(self, track: Track, visit: _Visit, now: float) -> None:
        shot = None if self._outbox.settled(self._id, track.id) else visit.best.due(now)
        if shot:
            self._submit(track, visit, shot)
        elif visit.told_at is not None and now - visit.told_at >= BEAT_EVERY and track.seen_at > visit.told_at:
            self._beat(track, visit)

    def _end(self, tracks: Iterable[Track]) -> None:
        for track in tracks:
            visit = self._visits.pop(track)
            if not track.confirmed:
                continue
            self.figures.track_ended()
            shot = None if self._outbox.settled(self._id, track.id) else visit.best.last()
            if shot:
                self._submit(track, visit, shot)
            if visit.told_at is not None and track.seen_at - visit.told_at > _TOLD_ENOUGH:
                self._beat(track, visit)
            log.info("%s: track %s ended after %d detections", self._id, track.id, track.hits)

    def _beat(self, track: Track, visit: _Visit) -> None:
        self._outbox.beat(self._id, track.id, visit.seen_at)
        visit.told_at = track.seen_at

    def _submit(self, track: Track, visit: _Visit, shot: Shot) -> None:
        image = codec.encode(shot.image, self._codec)
        crop = Crop(
            id=content_id(self._id, track.id, image),
            camera=self._id,
            captured_at=shot.captured_at,
            box=shot.face.box,
            frame_size=shot.frame_size,
            track=track.id,
            confidence=shot.face.confidence,
            image=image,
            codec=self._codec,
        )
        was_unsent = visit.told_at is not None and shot.seconds - visit.told_at >= LONG_UNSENT
        hurry = shot.score >= HOPEFUL and visit.hurried < HURRIED + was_unsent
        self._outbox.submit(crop, shot.seconds if self._is_live else None, hurry=hurry)
        visit.told_at = shot.seconds
        visit.hurried += hurry
        self.figures.crop_sent(shot.captured_at, len(crop.image))
        log.debug("%s: track %s: queued crop %s, score %.2f", self._id, track.id, crop.id, shot.score)


class Figures:
    """What passed through one camera. Read from any thread.

    `faces` are detections, `tracks` are visits that have ended, `active` those that go on.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.faces = 0
        self.tracks = 0
        self.active = 0
        self.crops = 0
        self.image_bytes = 0
        self.last_crop_at: datetime | None = None
        self._started = time.monotonic()
        self._frames: deque[float] = deque()
        self._tracks: deque[float] = deque()

    def analysed(self, faces: int) -> None:
        self.frames += 1
        self.faces += faces
        self._frames.append(time.monotonic())

    def track_ended(self) -> None:
        self.tracks += 1
        self._tracks.append(time.monotonic())

    def crop_sent(self, captured_at: datetime, size: int) -> None:
        self.crops += 1
        self.image_bytes += size
        self.last_crop_at = captured_at

    @property
    def frames_per_second(self) -> float:
        return self._rate(self._frames, _RATE_WINDOW)

    @property
    def faces_per_minute(self) -> float:
        return _MINUTE * self._rate(self._tracks, _MINUTE)

    def _rate(self, moments: deque[float], window: float) -> float:
        now = time.monotonic()
        while moments and moments[0] < now - window:
            moments.popleft()
        return len(moments) / max(1.0, min(window, now - self._started))


def _among(box: Box, faces: Iterable[Face]) -> bool:
    """Whether one of the faces is there: the centre of either box lies in the other."""
    return any(holds(box, face.box) or holds(face.box, box) for face in faces)

"""One camera's loop: frames in, best shots out."""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edge_client import codec
from edge_client.bestshot import BestShot, Shot, take_shot
from edge_client.config import Config
from edge_client.detector import FaceDetector
from edge_client.server import Crop
from edge_client.source import Frame, FrameGate
from edge_client.tracker import Track, Tracker
from edge_client.uploader import Uploader

log = logging.getLogger(__name__)

STATUS_EVERY = 10.0  # seconds
_POLL = 0.2  # seconds between looks at `stop`


@dataclass(slots=True)
class Totals:
    """What passed through. `frames` reached the agent, `analysed` were searched for faces."""

    frames: int = 0
    analysed: int = 0
    faces: int = 0
    tracks: int = 0
    raw_bytes: int = 0


class Agent:
    """Detects, tracks and submits the best shots of one camera. Closing the uploader is left to the caller."""

    def __init__(self, config: Config, detector: FaceDetector, uploader: Uploader) -> None:
        self._config = config
        self._detector = detector
        self._uploader = uploader
        self._gate = FrameGate(config.skip_frames, config.target_fps)
        self._tracker = Tracker()
        self._shots: dict[Track, BestShot] = {}
        self._can_wait = isinstance(config.source, Path) and not config.realtime
        self.totals = Totals()

    def run(self, frames: Iterable[Frame], stop: threading.Event) -> None:
        """Until the frames end, `stop` is set, or delivery has failed (raises what ended it)."""
        started = reported = time.monotonic()
        for frame in frames:
            while self._can_wait and not stop.is_set() and not self._uploader.wait_for_room(_POLL):
                pass
            if self._uploader.failure:
                raise self._uploader.failure
            self.totals.frames += 1
            self.totals.raw_bytes += frame.image.nbytes
            if self._gate.admits(frame):
                self._analyse(frame)
            if time.monotonic() - reported >= STATUS_EVERY:
                reported = time.monotonic()
                self._log_status(reported - started)
        self._end_tracks(list(self._shots))

    def _analyse(self, frame: Frame) -> None:
        faces = self._detector.detect(frame.image)
        self.totals.analysed += 1
        self.totals.faces += len(faces)
        for face, track in zip(faces, self._tracker.update(faces, frame.seconds), strict=True):
            if track not in self._shots:
                self._shots[track] = BestShot(frame.seconds)
            self._shots[track].offer(take_shot(frame, face))
        for track, best in self._shots.items():
            if track.confirmed and (shot := best.due(frame.seconds)):
                self._submit(track, shot)
        self._end_tracks(self._tracker.take_ended(frame.seconds))

    def _end_tracks(self, tracks: Iterable[Track]) -> None:
        for track in tracks:
            best = self._shots.pop(track)
            if not track.confirmed:
                continue
            self.totals.tracks += 1
            if shot := best.last():
                self._submit(track, shot)
            log.info("track %s ended after %d detections", track.id, track.hits)

    def _submit(self, track: Track, shot: Shot) -> None:
        crop = Crop(
            camera=self._config.camera,
            captured_at=shot.captured_at,
            box=shot.face.box,
            frame_size=shot.frame_size,
            track=track.id,
            confidence=shot.face.confidence,
            image=codec.encode(shot.image, self._config.codec),
            codec=self._config.codec,
        )
        self._uploader.submit(crop)
        log.debug("track %s: queued crop %s, score %.2f, %d bytes", track.id, crop.id, shot.score, len(crop.image))

    def _log_status(self, elapsed: float) -> None:
        log.info(
            "%.1f frames/s analysed, %d faces, %d tracks ended, %d active, %d crops sent, %d queued, %.1f kB sent",
            self.totals.analysed / elapsed,
            self.totals.faces,
            self.totals.tracks,
            self._tracker.active,
            self._uploader.sent,
            self._uploader.queued,
            self._uploader.bytes_sent / 1000,
        )

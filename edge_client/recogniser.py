"""Names the faces of a video: asks the server once per track, and again when a clearly better picture is there."""

import logging
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_client import codec
from edge_client.bestshot import BestShot, Shot, score, sharpness, take_shot
from edge_client.cloud import Identity
from edge_client.detector import Face
from edge_client.drawing import BLUE, GREEN, RED, Label
from edge_client.server import UnavailableError
from edge_client.settings import CameraSettings
from edge_client.source import Frame
from edge_client.tracker import Track, Tracker

log = logging.getLogger(__name__)

Image = NDArray[np.uint8]
Identify = Callable[[bytes], list[Identity]]

_SHARP_ENOUGH = 0.2
_PAUSE = 1.0  # seconds without questions after one that failed


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said about a track, `seconds` after the first frame; `person` is None for an unknown."""

    seconds: float
    track: str
    person: str | None
    probability: float


@dataclass(slots=True, eq=False)
class _Passage:
    """One track: the choice of its pictures, the one last asked about, whether its answer is awaited, the answer."""

    track: Track
    best: BestShot
    picture: Image | None = None
    waits: bool = False
    answer: Answer | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may be asked about: sure to be a face, without a name, and no question under way."""
        return self.track.confirmed and not self.waits and not (self.answer and self.answer.person)


class Recogniser:
    """`questions` runs the requests: at once, or beside the video. `last_picture` is the crop that was sent last."""

    def __init__(self, settings: CameraSettings, identify: Identify, questions: Executor) -> None:
        self._settings = settings
        self._codec = codec.available(settings.codec)
        self._identify = identify
        self._questions = questions
        self._tracker = Tracker()
        self._passages: dict[Track, _Passage] = {}
        self._asked: list[tuple[_Passage, Future[list[Identity]]]] = []
        self._silent_until = -math.inf
        self._began: float | None = None
        self._now = 0.0
        self.last_picture: Image | None = None
        self.unanswered = 0  # tracks that ended without an answer of the server

    def look(self, frame: Frame, faces: Sequence[Face]) -> tuple[list[Label], list[Answer]]:
        """The labels of a frame's faces, and the answers that came in since the last frame. Raises RefusedError."""
        self._now = frame.seconds
        if self._began is None:
            self._began = frame.seconds
        flaws = [self._flaw(frame.image, face) for face in faces]
        tracks = self._tracker.update(faces, frame.seconds)
        for track, face, flaw in zip(tracks, faces, flaws, strict=True):
            passage = self._passages.setdefault(track, _Passage(track, BestShot(frame.seconds)))
            if not flaw and passage.best.wants(value := score(frame.image, face)):
                passage.best.offer(take_shot(frame, face, value))
        if frame.seconds >= self._silent_until:
            for passage in self._passages.values():
                if passage.is_open:
                    self._ask(passage, passage.best.due(frame.seconds))
        for track in self._tracker.take_ended(frame.seconds):
            self._end(self._passages.pop(track))
        answers = self._collect()
        known = [self._passages[track].answer for track in tracks]
        labels = [_label(*seen) for seen in zip(faces, flaws, known, strict=True)]
        # In a crowd words cover each other: names come last and stay legible.
        return sorted(labels, key=lambda label: (RED, BLUE, GREEN).index(label.colour)), answers

    def finish(self) -> list[Answer]:
        """Ask about what is left, and wait for all answers. Raises RefusedError."""
        for passage in self._passages.values():
            self._end(passage)
        self._passages.clear()
        return self._wait()

    def leave(self) -> list[Answer]:
        """Drop the questions that are not begun, and wait for the answer to the one under way. Raises RefusedError."""
        self._asked = [(passage, question) for passage, question in self._asked if not question.cancel()]
        return self._wait()

    def _wait(self) -> list[Answer]:
        wait([question for _, question in self._asked])
        return self._collect()

    def _end(self, passage: _Passage) -> None:
        if passage.is_open:
            shot = passage.best.last()
            if shot is None and passage.picture is not None and passage.answer is None:
                self.unanswered += 1
            self._ask(passage, shot)

    def _ask(self, passage: _Passage, shot: Shot | None) -> None:
        if shot is None:
            return
        passage.picture = self.last_picture = shot.image
        image = codec.encode(shot.image, self._codec)
        passage.waits = True
        self._asked.append((passage, self._questions.submit(self._identify, image)))

    def _collect(self) -> list[Answer]:
        """What has been answered since. A track whose question failed is asked about again with a later picture."""
        answers = []
        for passage, question in [asked for asked in self._asked if asked[1].done()]:
            self._asked.remove((passage, question))
            passage.waits = False
            try:
                found = question.result()
            except UnavailableError as error:
                log.warning("%s", error)
                self._silent_until = self._now + max(_PAUSE, error.retry_after)
                passage.best = BestShot(self._now)
                if passage.track not in self._passages and passage.answer is None:
                    self.unanswered += 1
                continue
            passage.answer = _answer(passage, found, self._now - (self._began or 0.0))
            answers.append(passage.answer)
        return answers

    def _flaw(self, image: Image, face: Face) -> str:
        """Why a face is not worth a question; empty where it is."""
        if face.size < self._settings.min_size:
            return "too small"
        if self._settings.max_size and face.size > self._settings.max_size:
            return "too large"
        if face.confidence < self._settings.min_confidence:
            return f"unsure {face.confidence:.0%}"
        return "blurred" if sharpness(image, face) < _SHARP_ENOUGH else ""


def _answer(passage: _Passage, found: Sequence[Identity], seconds: float) -> Answer:
    """The face in the middle of the crop is the track's; its neighbours may have come onto the picture too."""
    if not found or passage.picture is None:
        return Answer(seconds, passage.track.id, None, 0.0)
    height, width = passage.picture.shape[:2]

    def off_centre(face: Identity) -> float:
        x1, y1, x2, y2 = face.box
        return math.hypot((x1 + x2 - width) / 2, (y1 + y2 - height) / 2)

    face = min(found, key=off_centre)
    return Answer(seconds, passage.track.id, face.person, face.probability)


def _label(face: Face, flaw: str, answer: Answer | None) -> Label:
    if answer and answer.person is not None:
        return Label(face.box, GREEN, f"{answer.person} {answer.probability:.0%}")
    if flaw:
        return Label(face.box, RED, flaw)
    return Label(face.box, BLUE, "unknown" if answer else "…")

"""Accepts crops: checks each, commits the good ones to the inbox in one transaction, and wakes a worker.

A crop that cannot be accepted is rejected alone, with its reason; the others of the request are not held up by it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from access.models import ApiKey
from detections import silence
from detections.metrics import ACCEPTED
from detections.models import Camera, Crop, EdgeNode, Track
from recognition import correlation, tracing, wakeup
from recognition.engine.errors import ImageError
from recognition.engine.images import inspect
from recognition.models import Job

CLOCK_TOLERANCE = timedelta(minutes=2)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # the first days of the calendar cannot be shown west of Greenwich
LAST_SEEN_RESOLUTION = timedelta(seconds=30)
# In a long line of writers, which there is on SQLite: a sender keeps what it has, and comes again.
PATIENCE_S = 0.4


class InboxFullError(Exception):
    """Too many crops wait already; the sender should keep its own for a while."""


@dataclass(frozen=True)
class Submission:
    """One crop as the client sent it, its fields already of the right type."""

    id: UUID
    camera: str
    captured_at: datetime
    image: bytes
    track: str = ""
    metadata: dict = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.image).hexdigest()


@dataclass(frozen=True)
class Rejection:
    """Why one crop was not accepted: a code for programs, words for people."""

    id: str
    code: str
    detail: str


@dataclass(frozen=True)
class Receipt:
    """What became of a request; the job follows the crops that were accepted (None: there were none)."""

    job: Job | None
    accepted: list[UUID]
    rejected: list[Rejection]


def check_room() -> None:
    """To be asked before a request is read. What several requests bring at once may exceed the limit a little.

    Raises:
        InboxFullError: enough crops wait already.
    """
    with connection.cursor() as cursor:
        # The state stands there as it is: were it a parameter, SQLite would not use the index of those that wait, but
        # read the whole table, for every request.
        cursor.execute("SELECT 1 FROM detections_crop WHERE state = 'pending' LIMIT 1 OFFSET %s", [settings.MAX_INBOX])
        if cursor.fetchone():
            raise InboxFullError


def accept(submissions: Sequence[Submission], cameras: Mapping[str, Camera], *, deliver: bool = False) -> Receipt:
    """Commit the acceptable crops to the inbox. The same crop sent again is accepted again, with no second effect.

    `cameras`: what their sender may send for, by id.
    """
    sound, rejected = [], []
    for submission in submissions:
        rejection = _check(submission, cameras)
        if rejection:
            rejected.append(rejection)
        else:
            sound.append(submission)
    with tracing.crops("accept", [submission.id for submission in sound]), _impatient():
        silence.heard({submission.camera for submission in sound})
        try:
            receipt = _commit(sound, cameras, deliver=deliver)
        except IntegrityError:
            # The same crops came in twice at once: now that the other request has committed, they count as known.
            receipt = _commit(sound, cameras, deliver=deliver)
    return Receipt(receipt.job, receipt.accepted, rejected + receipt.rejected)


def cameras_of(sender: User | ApiKey) -> QuerySet[Camera]:
    """The cameras a sender may send for: an edge node's key its own ones, everybody else all active ones."""
    cameras = Camera.objects.filter(is_active=True)
    if isinstance(sender, ApiKey) and sender.scope == ApiKey.Scope.EDGE:
        now = timezone.now()
        noted = dict(EdgeNode.objects.filter(keys=sender).values_list("pk", "last_seen_at"))
        stale = [pk for pk, at in noted.items() if not at or at <= now - LAST_SEEN_RESOLUTION]
        if stale:  # on SQLite an update of nothing would still wait for whoever writes
            EdgeNode.objects.filter(pk__in=stale).update(last_seen_at=now)
        return cameras.filter(nodes__in=noted).distinct()
    return cameras


def _check(submission: Submission, cameras: Mapping[str, Camera]) -> Rejection | None:
    def reject(code: str, detail: str) -> Rejection:
        return Rejection(str(submission.id), code, detail)

    if submission.camera not in cameras:
        return reject(
            "unknown-camera",
            f"There is no active camera {submission.camera!r} that you may send for. Ask an administrator to add it.",
        )
    if wrong := _wrong_time(submission.captured_at):
        return reject(*wrong)
    if len(submission.image) > settings.MAX_IMAGE_BYTES:
        return reject("too-large", f"The image is larger than {settings.MAX_IMAGE_BYTES // 2**20} MiB.")
    try:
        info = inspect(submission.image)
    except ImageError as error:
        return reject(error.code.replace("_", "-"), str(error))
    if info.width * info.height > settings.MAX_IMAGE_PIXELS:
        return reject("too-many-pixels", f"The image has more than {settings.MAX_IMAGE_PIXELS} pixels.")
    return None


def _wrong_time(captured_at: datetime) -> tuple[str, str] | None:
    """Why that cannot be when a crop was taken: a code and words."""
    ahead = captured_at - timezone.now()
    if ahead > CLOCK_TOLERANCE:
        return "future", f"captured_at lies {ahead.total_seconds():.0f} s in the future. Set the sender's clock."
    if captured_at < EARLIEST:
        return "too-old", "captured_at lies before 1970. Set the sender's clock."
    return None


@contextmanager
def _impatient() -> Iterator[None]:
    connection.patience_s = PATIENCE_S
    try:
        yield
    finally:
        connection.patience_s = None


@transaction.atomic
def _commit(submissions: Sequence[Submission], cameras: Mapping[str, Camera], *, deliver: bool) -> Receipt:
    known = Crop.objects.defer("image").select_related("job").in_bulk([one.id for one in submissions])
    fresh: dict[UUID, Submission] = {}
    accepted, rejected, job = [], [], None
    for submission in submissions:
        earlier = known.get(submission.id) or fresh.get(submission.id)
        if earlier and earlier.sha256 != submission.sha256:
            detail = "This id was used before for another image. Make a new id for each crop."
            rejected.append(Rejection(str(submission.id), "id-reused", detail))
            continue
        if earlier is None:
            fresh[submission.id] = submission
        elif isinstance(earlier, Crop):
            job = earlier.job
        accepted.append(submission.id)
    if fresh:
        job = _store(fresh.values(), cameras, deliver=deliver)
    return Receipt(job, list(dict.fromkeys(accepted)), rejected)


def _store(submissions: Iterable[Submission], cameras: Mapping[str, Camera], *, deliver: bool) -> Job:
    # In one order, so that two requests with the same crops wait for each other instead of for ever.
    submissions = sorted(submissions, key=lambda one: one.id)
    number = correlation.request_id() or uuid4()  # one request brings crops for one job
    message = "Waiting for a worker."
    job = Job.objects.create(id=number, kind=Job.Kind.RECOGNISE, total=len(submissions), message=message)
    tracks = _tracks(submissions)
    Crop.objects.bulk_create(
        Crop(
            id=submission.id,
            job=job,
            camera=cameras[submission.camera],
            track=tracks.get((submission.camera, submission.track)),
            sha256=submission.sha256,
            image=submission.image,
            metadata=submission.metadata,
            deliver=deliver,
            captured_at=submission.captured_at,
        )
        for submission in submissions
    )
    transaction.on_commit(lambda: _committed(submissions))
    return job


def _committed(accepted: Sequence[Submission]) -> None:
    wakeup.wake(wakeup.RECOGNITION)
    ACCEPTED.inc(len(accepted))
    now = timezone.now()
    for submission in accepted:
        tracing.arrived(submission.id, submission.captured_at, now)


def _tracks(submissions: Iterable[Submission]) -> dict[tuple[str, str], Track]:
    """The tracks of these crops, made where new, by camera and the edge node's name for the track."""
    wanted: dict[tuple[str, str], datetime] = {}
    for submission in submissions:
        if submission.track:
            key = (submission.camera, submission.track)
            wanted[key] = min(submission.captured_at, wanted.get(key, submission.captured_at))
    if not wanted:
        return {}
    Track.objects.bulk_create(
        (Track(camera_id=camera, key=key, captured_at=at, ended_at=at) for (camera, key), at in sorted(wanted.items())),
        ignore_conflicts=True,
    )
    found = Track.objects.filter(camera__in={camera for camera, _ in wanted}, key__in={key for _, key in wanted})
    return {(track.camera_id, track.key): track for track in found}

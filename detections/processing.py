"""Turns queued crops into detections: claim a batch under a lease, run the engine, have it recorded."""

import logging
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

import numpy as np
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now

from detections import recording
from detections.metrics import CROPS
from detections.models import Crop
from recognition import correlation, jobs, leases, stopping, tracing
from recognition.engine.errors import ImageError
from recognition.engine.faces import EmbeddedFace
from recognition.engine.images import decode, inspect
from recognition.engine.pipeline import Pipeline
from recognition.loader import Serving, loader
from recognition.metrics import BATCH_IMAGES, stage
from recognition.models import Job

logger = logging.getLogger(__name__)

BATCH = 16
# Renewed while the worker lives: what a dead one held is tried again after this and one turn of the sweeper.
LEASE = timedelta(seconds=20)
MAX_ATTEMPTS = 3
RETRY_DELAY = timedelta(seconds=5)
DATABASE_FAILS = (OperationalError, InterfaceError)


def process_batch(limit: int = BATCH) -> int:
    """Claim and do up to `limit` crops; returns how many were claimed (0: the inbox has nothing due).

    A worker that is told to stop puts back what it has not begun.

    Raises:
        PackError, ModelUnavailableError: this process cannot recognise anybody. Nothing was claimed: a fault of the
            installation must not use up the attempts of the crops.
        OperationalError, InterfaceError: the database does not work. Nor does that use up attempts.
    """
    loader.current()
    token = uuid.uuid4()
    crops = _claim(token, limit)
    if crops:
        BATCH_IMAGES.labels("inbox").observe(len(crops))
        with leases.renewed(lambda: _renew(token), LEASE):
            _process_all(crops, token)
    return len(crops)


def requeue(crops: Iterable[Crop]) -> int:
    """Give crops that were given up another three attempts; returns how many."""
    count = 0
    for crop in crops:
        with transaction.atomic():
            revived = Crop.objects.filter(pk=crop.pk, state=Crop.State.DEAD, image__isnull=False).update(
                state=Crop.State.PENDING, attempts=0, due_at=Now(), error=""
            )
            if revived:
                jobs.count_done(crop.job_id, -1, -1)
        count += revived
    return count


def close_emptied_jobs() -> None:
    """Close the jobs whose last crops went with somebody erased: no worker is left to count those."""
    waiting = Crop.objects.filter(job=OuterRef("pk"), state=Crop.State.PENDING)
    under_way = Job.objects.filter(kind=Job.Kind.RECOGNISE, state__in=(Job.State.QUEUED, Job.State.RUNNING))
    for emptied in under_way.filter(~Exists(waiting)):
        with transaction.atomic():
            # What is left by then: two processes may do this at once.
            job = Job.objects.select_for_update().get(pk=emptied.pk)
            jobs.count_done(job.pk, job.total - job.done, 0)


def _claim(token: uuid.UUID, limit: int) -> list[Crop]:
    with transaction.atomic():
        crops = list(Crop.objects.due().select_for_update(skip_locked=True).order_by("due_at")[:limit])
        worn_out = [crop for crop in crops if crop.attempts >= MAX_ATTEMPTS]
        if worn_out:
            # No worker lived to report these: the crop itself may be what kills them.
            Crop.objects.filter(pk__in=[crop.pk for crop in worn_out]).update(
                state=Crop.State.DEAD, claim=None, error="The worker was lost each time it tried this crop."
            )
            for job_id, count in Counter(crop.job_id for crop in worn_out).items():
                jobs.count_done(job_id, count, count)
            CROPS.labels("dead").inc(len(worn_out))
        crops = [crop for crop in crops if crop.attempts < MAX_ATTEMPTS]
        # A crop tried before is tried alone: should it kill the worker again, it takes no neighbours with it.
        crops = [crop for crop in crops if crop.attempts][:1] or crops
        for crop in crops:
            crop.attempts += 1
        Crop.objects.filter(pk__in=[crop.pk for crop in crops]).update(
            claim=token, attempts=F("attempts") + 1, due_at=Now() + LEASE
        )
    return crops


def _renew(token: uuid.UUID) -> None:
    # Those that are locked are just being finished. To wait for them could mean to wait for each other.
    held = Crop.objects.select_for_update(skip_locked=True).filter(claim=token)
    with transaction.atomic():
        Crop.objects.filter(pk__in=list(held.values_list("pk", flat=True))).update(due_at=Now() + LEASE)


def _portions(crops: Iterable[Crop]) -> Iterator[list[Crop]]:
    """Parts of a batch that decode to no more pixels than one largest image may have: memory stays bounded."""
    portion, pixels = [], 0
    for crop in crops:
        size = _pixels(crop)
        if portion and pixels + size > settings.MAX_IMAGE_PIXELS:
            yield portion
            portion, pixels = [], 0
        portion.append(crop)
        pixels += size
    if portion:
        yield portion


def _pixels(crop: Crop) -> int:
    try:
        info = inspect(bytes(crop.image))
    except ImageError:
        return 0
    return info.width * info.height


def _process_all(crops: Sequence[Crop], token: uuid.UUID) -> None:
    try:
        for portion in _portions(crops):
            if stopping.is_asked():
                return _put_back(token)
            _process_portion(portion, token)
    except DATABASE_FAILS:
        _put_back(token)
        raise


def _put_back(token: uuid.UUID) -> None:
    """What was not done, for others to do at once. Not so what a time limit cuts off: that counts as an attempt."""
    Crop.objects.filter(claim=token).update(claim=None, attempts=F("attempts") - 1, due_at=Now())


def _process_portion(crops: Sequence[Crop], token: uuid.UUID) -> None:
    try:
        with tracing.crops("recognise", [crop.pk for crop in crops]):
            _process(crops, token)
    except DATABASE_FAILS:
        raise
    except Exception:  # noqa: BLE001 - whatever one crop provokes must not cost its neighbours their turn
        for crop in crops:
            _process_alone(crop, token)


def _process_alone(crop: Crop, token: uuid.UUID) -> None:
    try:
        _process([crop], token)
    except DATABASE_FAILS:
        raise
    except Exception as error:
        with correlation.about(request=crop.job_id, crop=crop.pk):
            logger.exception("a crop failed, attempt %s", crop.attempts)
        if crop.attempts >= MAX_ATTEMPTS:
            _give_up(crop, token, f"Failed {crop.attempts} times: {type(error).__name__}.")
        else:
            CROPS.labels("retry").inc()
            Crop.objects.filter(pk=crop.pk, claim=token).update(claim=None, due_at=Now() + RETRY_DELAY)


def _give_up(crop: Crop, token: uuid.UUID, error: str) -> None:
    with transaction.atomic():
        if Crop.objects.filter(pk=crop.pk, claim=token).update(state=Crop.State.DEAD, claim=None, error=error[:300]):
            jobs.count_done(crop.job_id, 1, 1)
            transaction.on_commit(CROPS.labels("dead").inc)


def _process(crops: Sequence[Crop], token: uuid.UUID) -> None:
    images: dict[uuid.UUID, np.ndarray] = {}
    with stage("decode"):
        for crop in crops:
            try:
                images[crop.pk] = decode(bytes(crop.image), max_pixels=settings.MAX_IMAGE_PIXELS)
            except ImageError as error:
                _give_up(crop, token, str(error))
    readable = [crop for crop in crops if crop.pk in images]
    serving = loader.current()
    sightings = _identify(_faces(readable, images, serving.pipeline), images, serving)
    with stage("record"):
        recording.record(readable, token, sightings, serving)


def _faces(
    crops: Sequence[Crop], images: dict[uuid.UUID, np.ndarray], pipeline: Pipeline
) -> list[tuple[Crop, EmbeddedFace]]:
    """Every face of whole images; the central one of crops that an edge node cut or that belong to a track: a track is
    one person, and neighbours would count twice.
    """
    found = []
    for is_cut in (True, False):
        chosen = [crop for crop in crops if ("box" in crop.metadata) == is_cut]
        analysed = pipeline.analyse([images[crop.pk] for crop in chosen], crops=is_cut)
        for crop, faces in zip(chosen, analysed, strict=True):
            is_one = faces and (is_cut or crop.track_id)
            kept = [_central(faces, images[crop.pk])] if is_one else faces
            found.extend((crop, face) for face in kept)
    return found


def _central(faces: Sequence[EmbeddedFace], image: np.ndarray) -> EmbeddedFace:
    height, width = image.shape[:2]

    def offset(found: EmbeddedFace) -> float:
        x1, y1, x2, y2 = found.face.box
        return (x1 + x2 - width) ** 2 + (y1 + y2 - height) ** 2

    return min(faces, key=offset)


def _identify(
    found: Sequence[tuple[Crop, EmbeddedFace]], images: dict[uuid.UUID, np.ndarray], serving: Serving
) -> list[recording.Sighting]:
    if not found:
        return []
    with stage("identify"):
        identities = serving.classifier.identify(np.stack([face.vector for _, face in found]))
    seen: Counter[uuid.UUID] = Counter()
    sightings = []
    for (crop, face), identity in zip(found, identities, strict=True):
        sightings.append(recording.Sighting(crop, seen[crop.pk], images[crop.pk], face, identity))
        seen[crop.pk] += 1
    return sightings

"""Writes down what a batch of crops showed: everything, or nothing, in one transaction."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import cv2
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from detections import lastseen, tracking
from detections.metrics import CROP_SECONDS, CROPS
from detections.models import Crop, Detection, FaceImage, Track
from detections.webhooks import events
from people.models import Person
from recognition import jobs
from recognition.engine.faces import EmbeddedFace, Identity, Image
from recognition.engine.images import encode_jpeg
from recognition.loader import Serving

ATTEMPTS_AGAINST_OTHERS = 3
FACE_IMAGE_PX = 112
FACE_IMAGE_MARGIN = 0.25


class TrackMovedError(Exception):
    """Another worker changed who a track is, to somebody this one has not locked. Looking again settles it."""


@dataclass(frozen=True)
class Sighting:
    """One face of one crop, before it is written down."""

    crop: Crop
    index: int
    image: Image
    found: EmbeddedFace
    identity: Identity


def record(crops: Sequence[Crop], token: uuid.UUID, sightings: Sequence[Sighting], serving: Serving) -> None:
    """Write all effects of a batch; crops whose lease was lost, or that were erased, have none.

    Raises:
        TrackMovedError: others keep changing the same tracks. Nothing was written.
    """
    for _ in range(ATTEMPTS_AGAINST_OTHERS - 1):
        with suppress(TrackMovedError):
            return _record(crops, token, sightings, serving)
    return _record(crops, token, sightings, serving)


def _record(crops: Sequence[Crop], token: uuid.UUID, sightings: Sequence[Sighting], serving: Serving) -> None:
    with transaction.atomic():
        people = _lock_people(sightings, serving)
        held = set(
            Crop.objects.select_for_update()
            .filter(claim=token, pk__in=[crop.pk for crop in crops])
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        _write([one for one in sightings if one.crop.pk in held], people, serving)
        Crop.objects.filter(pk__in=held).update(state=Crop.State.DONE, image=None, claim=None, error="")
        for job_id, count in Counter(crop.job_id for crop in crops if crop.pk in held).items():
            jobs.count_done(job_id, count, 0)
        transaction.on_commit(lambda: _count([crop for crop in crops if crop.pk in held]))


def _count(done: Sequence[Crop]) -> None:
    now = timezone.now()
    for crop in done:
        CROP_SECONDS.observe(max(0.0, (now - crop.received_at).total_seconds()))
    CROPS.labels("done").inc(len(done))


def _lock_people(sightings: Sequence[Sighting], serving: Serving) -> dict[str, Person | None]:
    """Everyone these sightings may name or take a name from, by label; None: erased meanwhile.

    Locked, so that an erasure either comes first (then the face is unknown) or waits and takes these rows too. Before
    crops and tracks, as erasure does; so who a track will be is found out first, without locking it.
    """
    labels = {one.identity.label for one in sightings if not one.crop.track_id}
    for decision in tracking.decide(_on_tracks(sightings), serving).values():
        labels |= {decision.label, decision.former_label}
    labels.discard(None)
    chosen = Person.objects.select_for_update(no_key=True).filter(pk__in=labels).order_by("pk")
    return dict.fromkeys(labels) | {person.label: person for person in chosen}


def _write(sightings: Sequence[Sighting], people: Mapping[str, Person | None], serving: Serving) -> None:
    on_tracks = _on_tracks(sightings)
    # Evaluated for its locks alone.
    tracks = Track.objects.select_for_update(no_key=True).filter(pk__in={pk for pk, _ in on_tracks}).order_by("pk")
    list(tracks.values_list("pk"))
    decisions = tracking.decide(on_tracks, serving)
    if {label for one in decisions.values() for label in (one.label, one.former_label)} - people.keys() - {None}:
        raise TrackMovedError
    lawful = {label: person for label, person in people.items() if person and person.is_lawful}
    detections = [_detection(one, decisions.get(one.crop.track_id), lawful, serving) for one in sightings]
    Detection.objects.bulk_create(detections, ignore_conflicts=True)
    FaceImage.objects.bulk_create(
        (
            FaceImage(detection=detection, jpeg=face_jpeg(one.image, one.found.face.box))
            for one, detection in zip(sightings, detections, strict=True)
            if detection.person or settings.KEEP_UNKNOWN_FACES
        ),
        ignore_conflicts=True,
    )
    decided = tracking.record(decisions.values(), people, detections)
    lastseen.update(detections)
    events.recorded(
        detections,
        decided,
        [detection for one, detection in zip(sightings, detections, strict=True) if one.crop.deliver],
    )


def _on_tracks(sightings: Sequence[Sighting]) -> list[tuple[int, EmbeddedFace]]:
    return [(one.crop.track_id, one.found) for one in sightings if one.crop.track_id]


def _detection(
    one: Sighting, decision: tracking.Decision | None, lawful: Mapping[str, Person], serving: Serving
) -> Detection:
    label, probability = (
        (decision.label, decision.probability) if decision else (one.identity.label, one.identity.probability)
    )
    return Detection(
        id=uuid.uuid5(one.crop.pk, str(one.index)),
        crop_id=one.crop.pk,
        face_index=one.index,
        camera_id=one.crop.camera_id,
        track=decision and decision.track,
        person=lawful.get(label or ""),
        probability=probability,
        score=one.identity.score,
        confidence=one.found.face.confidence,
        box=[round(float(side), 1) for side in one.found.face.box],
        frame_box=one.crop.metadata.get("box"),
        model_id=serving.model_id,
        captured_at=one.crop.captured_at,
    )


def face_jpeg(image: Image, box: Sequence[float]) -> bytes:
    """The face cut out of an image, with some margin, made small."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box
    margin = FACE_IMAGE_MARGIN * max(x2 - x1, y2 - y1)
    left, right = _within(x1 - margin, x2 + margin, width)
    top, bottom = _within(y1 - margin, y2 + margin, height)
    cut = image[top:bottom, left:right]
    scale = FACE_IMAGE_PX / max(cut.shape[:2])
    if scale < 1:
        cut = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return encode_jpeg(cut, quality=85)


def _within(start: float, end: float, size: int) -> tuple[int, int]:
    """The part of start to end that lies in 0 to size; never empty, as a detector's box may lie outside the image."""
    first = min(max(0, int(start)), size - 1)
    return first, max(first + 1, min(size, int(end)))

"""Puts right who was seen: somebody looked at a face, and says that it is another person, or nobody enrolled."""

import logging
from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access import audit
from detections import lastseen
from detections.models import Detection, FaceImage, Track, TrackEvidence
from people import lookalikes
from people.models import Person
from recognition.engine.errors import ImageError, PackError
from recognition.loader import ModelUnavailableError

logger = logging.getLogger(__name__)

# That of somebody who looked, as far as anyone can be sure.
CERTAIN = 1.0
OVERTAKEN = gettext_lazy("Somebody else corrected this detection meanwhile. Look at it again.")


class CannotCorrectError(Exception):
    """Nothing was changed; the text says why."""


@dataclass(frozen=True)
class Correction:
    """How many detections changed, and whether the next training moves somebody away from this face."""

    count: int
    is_learned: bool


def correct(detection: Detection, person: Person | None, by: audit.Principal) -> Correction:
    """The detection, with all others of its track, is of `person` (None: somebody unknown).

    Where the former person was last seen is found out anew. The track is closed, so that later crops of it do not
    decide otherwise. If there is a picture of the face, the next training moves the former person away from it, and
    no longer `person`, if that was said before.

    Raises:
        CannotCorrectError: the detection is gone, is already of that person, or that person may not be named.
    """
    vector = _vector(detection) if detection.person_id else None
    with transaction.atomic():
        # A late detection of somebody whose legal basis has ended is nobody's; its track may still be theirs.
        on_track = Track.objects.filter(pk=detection.track_id).values_list("person_id", flat=True).first()
        formers = {detection.person_id, on_track} - {None, person and person.pk}
        # In the order in which workers lock: people, then tracks.
        wanted = formers | ({person.pk} if person else set())
        people = {
            one.pk: one for one in Person.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
        }
        track = Track.objects.select_for_update(no_key=True).filter(pk=detection.track_id).first()
        current = Detection.objects.filter(pk=detection.pk).first()
        if current is None or (person and person.pk not in people):
            raise CannotCorrectError(_("The detection or the person was deleted meanwhile."))
        if current.person_id != detection.person_id or (track and track.person_id != on_track):
            raise CannotCorrectError(OVERTAKEN)
        if current.person_id == (person and person.pk):
            raise CannotCorrectError(_("The detection already says so."))
        if person and not people[person.pk].is_lawful:
            raise CannotCorrectError(_("The legal basis of this person has expired: nobody may be named so."))
        former = people.get(current.person_id)
        chosen = Detection.objects.filter(track=track) if track else Detection.objects.filter(pk=current.pk)
        count = _move(chosen, track, person)
        seen_in = f"track {track.pk}" if track else f"detection {current.pk}"
        lookalikes.revise(seen_in, person)
        lastseen.reconsider(formers)
        if former and vector:
            lookalikes.record(former, *vector, shown=person, seen_in=seen_in)
        if person:
            lastseen.update(chosen.select_related("track").order_by("-captured_at")[:1])
        subjects = [one.label for one in people.values()]
        audit.note(by, "correct", "person", subjects, detection=str(current.pk), detections=count)
    return Correction(count, is_learned=bool(former and vector))


def _move(chosen: QuerySet[Detection], track: Track | None, person: Person | None) -> int:
    now = timezone.now()
    fields = {"person": person, "probability": CERTAIN if person else 0.0, "corrected_at": now}
    if track:
        Track.objects.filter(pk=track.pk).update(**fields)
        TrackEvidence.objects.filter(track=track).delete()
    if person is None and not settings.KEEP_UNKNOWN_FACES:
        FaceImage.objects.filter(detection__in=chosen).delete()
    return chosen.update(**fields)


def _vector(detection: Detection) -> tuple[str, bytes] | None:
    """Pack and vector of the face, if a picture of it is kept and the engine finds the face in it."""
    face = FaceImage.objects.filter(pk=detection.pk).first()
    if face is None:
        return None
    with suppress(ImageError, PackError, ModelUnavailableError):
        return lookalikes.vector_of(bytes(face.jpeg))
    logger.warning("the face of detection %s cannot be learned from", detection.pk)
    return None

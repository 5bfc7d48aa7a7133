"""Decides who a track is, on all of its crops together.

While a track is open its evidence is kept: the weighted sum of its crops' vectors, the unknown ones included, so that
one lucky crop among many unknown ones names nobody. A track that has had no crop for a while is closed: its evidence,
which is biometric, is deleted, and what was decided stays.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Now

from detections import lastseen
from detections.models import Detection, FaceImage, Track, TrackEvidence
from people.models import Person
from recognition.engine.embedder import unit
from recognition.engine.faces import EmbeddedFace
from recognition.loader import Serving

OPEN_FOR = timedelta(minutes=15)


@dataclass(frozen=True)
class Decision:
    """Who a track is (label None: unknown). `evidence`: what says so, not yet saved; None: the track is closed."""

    track: Track
    label: str | None
    probability: float
    evidence: TrackEvidence | None = None

    @property
    def former_label(self) -> str | None:
        """Who the track was before."""
        return self.track.person_id and str(self.track.person_id)


def decide(found: Iterable[tuple[int, EmbeddedFace]], serving: Serving) -> dict[int, Decision]:
    """Decides tracks, by id, on what is known of them and on these further faces of theirs. Writes nothing."""
    faces: dict[int, list[EmbeddedFace]] = {}
    for track_id, face in found:
        faces.setdefault(track_id, []).append(face)
    tracks = Track.objects.select_related("evidence").in_bulk(faces)
    decisions = {
        track.pk: Decision(track, track.person_id and str(track.person_id), track.probability)
        for track in tracks.values()
    }
    evidence = [_evidence(track, faces[track.pk], serving) for track in tracks.values() if track.is_open]
    if evidence:
        sums = np.stack([np.frombuffer(one.vector, "<f4") for one in evidence])
        counts = np.array([one.crop_count for one in evidence])
        identities = serving.classifier.identify(unit(sums), counts)
        for one, identity in zip(evidence, identities, strict=True):
            decisions[one.track_id] = Decision(one.track, identity.label, identity.probability, one)
    return decisions


def _evidence(track: Track, faces: Sequence[EmbeddedFace], serving: Serving) -> TrackEvidence:
    """The track's evidence with these faces. Vectors of different packs do not add up: with another it begins anew."""
    pack_id = serving.pipeline.pack_id
    total = sum(face.vector for face in faces)
    count = len(faces)
    known = getattr(track, "evidence", None)
    if known and known.pack_id == pack_id:
        total = total + np.frombuffer(known.vector, "<f4")
        count += known.crop_count
    return TrackEvidence(track=track, pack_id=pack_id, vector=np.asarray(total, "<f4").tobytes(), crop_count=count)


def record(
    decisions: Collection[Decision], people: Mapping[str, Person | None], detections: Iterable[Detection]
) -> list[Track]:
    """Writes the decisions down, for all detections of their tracks, and that the tracks were seen in `detections`.
    Returns the tracks, without those of people who may no longer be recognised.

    Call it in the transaction that locked the tracks, everyone they were before, and everyone they are now (`people`,
    by label; None: erased meanwhile).
    """
    renamed: dict[int, object] = {}
    seen_before: list[int] = []
    decided: list[Track] = []
    for one in decisions:
        track, person, former = one.track, people.get(one.label or ""), people.get(one.former_label or "")
        times = [detection.captured_at for detection in detections if detection.track_id == track.pk]
        was_seen = bool(track.detection_count)
        track.detection_count += len(times)
        if person and not person.is_lawful:
            person = None
        if former and not former.is_lawful and person is None:
            continue  # what was lawfully recorded stays as it is; nothing is added to it
        decided.append(track)
        if was_seen:
            seen_before.append(track.pk)
            if track.person_id != (person and person.pk):
                renamed[track.pk] = track.person_id
        track.person, track.probability = person, one.probability
        track.captured_at, track.ended_at = min(track.captured_at, *times), max(track.ended_at, *times)
    # All are there, and locked: this only updates. bulk_update builds a case for each value, and takes several times as
    # long.
    Track.objects.bulk_create(
        [one.track for one in decisions],
        update_conflicts=True,
        unique_fields=("id",),
        update_fields=("person", "probability", "detection_count", "captured_at", "ended_at"),
    )
    TrackEvidence.objects.bulk_create(
        [one.evidence for one in decisions if one.evidence],
        update_conflicts=True,
        unique_fields=("track",),
        update_fields=("pack_id", "vector", "crop_count", "updated_at"),
    )
    if seen_before:
        current = Track.objects.filter(pk=OuterRef("track"))
        earlier = Detection.objects.filter(track__in=seen_before).exclude(pk__in=[one.pk for one in detections])
        earlier.update(person=Subquery(current.values("person")), probability=Subquery(current.values("probability")))
    if renamed:
        _take_back(renamed)
    return decided


def _take_back(renamed: Mapping[int, object]) -> None:
    """Undoes what earlier detections of tracks said while those had another name: by track, who they were."""
    if not settings.KEEP_UNKNOWN_FACES:
        FaceImage.objects.filter(detection__track__in=renamed, detection__person=None).delete()
    lastseen.reconsider({person for person in renamed.values() if person})
    lastseen.update(Detection.objects.filter(track__in=renamed).select_related("track"))


def forget_closed() -> int:
    """Deletes the evidence of tracks that have had no crop for a while; returns of how many."""
    old = TrackEvidence.objects.filter(updated_at__lt=Now() - OPEN_FOR)
    # Reading first: on SQLite a deletion of nothing would still wait for whoever writes.
    return old.delete()[0] if old.exists() else 0

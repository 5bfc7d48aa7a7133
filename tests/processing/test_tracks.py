"""A track is one person, decided on all of its crops together."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detections import recording, tracking
from detections.models import Crop, Detection, FaceImage, LastSeen, Track, TrackEvidence
from detections.processing import process_batch
from detections.tasks import sweep
from people.erasure import erase
from people.models import Person
from people.training import train
from recognition.engine.faces import Vector
from tests.fabricated import Eyes, direction, enrol, face, later

Submit = Callable[..., object]

ADA, GRACE = 1, 2

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _enrolled(storage: Path) -> None:
    enrol("ada", ADA)
    enrol("grace", GRACE)
    train()


def resembling(seed: int, cosine: float, noise: int) -> Vector:
    """A unit vector at about that cosine to the direction of `seed`."""
    return (cosine * direction(seed) + np.sqrt(1 - cosine**2) * direction(1000 + noise)).astype(np.float32)


def show(eyes: Eyes, submit: Submit, vectors: Sequence[Vector], *, together: bool = True) -> Track:
    for second, vector in enumerate(vectors):
        submit(eyes.picture(face(vector)), track="t", captured_at=later(second))
        if not together:
            process_batch()
    process_batch()
    return Track.objects.get()


def name(track: Track) -> str | None:
    return track.person and track.person.face_id


def test_a_track_of_unknown_faces_has_no_name(eyes: Eyes, submit: Submit) -> None:
    track = show(eyes, submit, [direction(50), direction(51)])
    assert (track.person, track.detection_count) == (None, 2)
    assert (track.captured_at, track.ended_at) == (later(0), later(1))


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("lucky", [0, 2, 4])
def test_one_lucky_crop_among_unknown_ones_names_nobody(eyes: Eyes, submit: Submit, lucky: int, together: bool) -> None:
    vectors = [direction(ADA if turn == lucky else 50 + turn) for turn in range(5)]
    assert name(show(eyes, submit, vectors, together=together)) is None
    assert not Detection.objects.exclude(person=None).exists()


@pytest.mark.parametrize("together", [True, False])
def test_crops_that_would_each_be_unknown_add_up_to_a_name(eyes: Eyes, submit: Submit, together: bool) -> None:
    alone = submit(eyes.picture(face(resembling(ADA, 0.85, 0)))).accepted[0]
    track = show(eyes, submit, [resembling(ADA, 0.85, turn) for turn in range(8)], together=together)
    assert Detection.objects.get(crop_id=alone).person is None
    assert name(track) == "ada"
    assert track.probability > 0.5


def test_crops_that_speak_for_two_people_name_neither(eyes: Eyes, submit: Submit) -> None:
    assert name(show(eyes, submit, [direction(seed) for seed in (ADA, GRACE, ADA, GRACE)])) is None


def test_all_detections_of_a_track_say_who_it_is(eyes: Eyes, submit: Submit) -> None:
    track = show(eyes, submit, [direction(50), *[direction(ADA)] * 9], together=False)
    assert name(track) == "ada"
    assert set(track.detections.values_list("person__face_id", "probability")) == {("ada", track.probability)}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shown=st.lists(st.sampled_from([ADA, GRACE, 50, 51]), min_size=1, max_size=6), data=st.data())
def test_order_and_batches_make_no_difference(
    eyes: Eyes, submit: Submit, shown: list[int], data: st.DataObject
) -> None:
    Crop.objects.all().delete()
    Track.objects.all().delete()
    one = show(eyes, submit, [direction(seed) for seed in shown])
    Crop.objects.all().delete()
    Track.objects.all().delete()
    another = show(eyes, submit, [direction(seed) for seed in data.draw(st.permutations(shown))], together=False)
    assert name(one) == name(another)
    assert one.probability == pytest.approx(another.probability, abs=1e-6)


def test_a_name_that_is_taken_back_leaves_no_sighting_and_no_picture(eyes: Eyes, submit: Submit) -> None:
    submit(eyes.picture_of(ADA), camera="yard", captured_at=later(-60))
    submit(eyes.picture_of(ADA), track="t", captured_at=later(0))
    process_batch()
    assert LastSeen.objects.get().captured_at == later(0)
    for second in range(1, 4):
        submit(eyes.picture_of(50 + second), track="t", captured_at=later(second))
    process_batch()
    assert name(Track.objects.get()) is None
    seen = LastSeen.objects.get()
    assert (seen.camera_id, seen.captured_at) == ("yard", later(-60))
    assert FaceImage.objects.get().detection.camera_id == "yard"


def test_who_was_nowhere_else_is_nowhere_again(eyes: Eyes, submit: Submit) -> None:
    show(eyes, submit, [direction(ADA), *(direction(50 + turn) for turn in range(4))], together=False)
    assert not LastSeen.objects.exists()


def test_a_name_that_comes_late_moves_them_to_the_newest_crop(eyes: Eyes, submit: Submit) -> None:
    submit(eyes.picture_of(50), track="t", captured_at=later(10))
    process_batch()
    for turn in range(9):
        submit(eyes.picture_of(ADA), track="t", captured_at=later(turn))
    process_batch()
    assert name(Track.objects.get()) == "ada"
    assert LastSeen.objects.get().captured_at == later(10)


def test_of_a_whole_image_on_a_track_the_face_in_the_middle_counts(eyes: Eyes, submit: Submit) -> None:
    neighbour, wanted = face(direction(GRACE), (0, 0, 15, 15)), face(direction(ADA), (9, 9, 25, 25))
    submit(eyes.picture(neighbour, wanted), track="t")
    process_batch()
    assert name(Track.objects.get()) == "ada"
    assert Detection.objects.count() == 1


def test_crops_without_a_track_make_none(eyes: Eyes, submit: Submit) -> None:
    submit(eyes.picture_of(ADA))
    process_batch()
    assert not Track.objects.exists()
    assert not TrackEvidence.objects.exists()


def test_a_closed_track_keeps_its_name_and_no_vector(eyes: Eyes, submit: Submit) -> None:
    show(eyes, submit, [direction(ADA)] * 2)
    TrackEvidence.objects.update(updated_at=timezone.now() - tracking.OPEN_FOR + timedelta(seconds=30))
    sweep()
    assert TrackEvidence.objects.exists()
    TrackEvidence.objects.update(updated_at=timezone.now() - tracking.OPEN_FOR - timedelta(seconds=1))
    sweep()
    assert not TrackEvidence.objects.exists()
    track = show(eyes, submit, [direction(GRACE)] * 8)
    assert (name(track), track.detection_count) == ("ada", 10)
    assert not Detection.objects.exclude(person__face_id="ada").exists()
    assert not TrackEvidence.objects.exists()


def test_evidence_of_another_pack_is_not_added_up(eyes: Eyes, submit: Submit) -> None:
    show(eyes, submit, [direction(50)] * 4)
    TrackEvidence.objects.update(pack_id="other@00000000")
    assert name(show(eyes, submit, [direction(ADA)])) == "ada"
    assert TrackEvidence.objects.get().crop_count == 1


def test_erasing_a_person_takes_the_evidence_of_their_tracks(eyes: Eyes, submit: Submit) -> None:
    show(eyes, submit, [direction(ADA)])
    erase(Person.objects.get(face_id="ada"))
    assert not TrackEvidence.objects.exists()


def test_whose_legal_basis_expired_is_unknown_on_a_track_too(eyes: Eyes, submit: Submit) -> None:
    Person.objects.update(legal_basis_expires=timezone.localdate() - timedelta(days=1))
    assert name(show(eyes, submit, [direction(ADA)] * 2)) is None


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "open"])
@pytest.mark.parametrize("is_trained_anew", [True, False], ids=["model without them", "old model"])
def test_what_was_lawfully_recorded_outlives_the_legal_basis(
    eyes: Eyes, submit: Submit, is_closed: bool, is_trained_anew: bool
) -> None:
    """Although a crop of the same track comes late."""
    before = show(eyes, submit, [direction(ADA)])
    if is_closed:
        TrackEvidence.objects.all().delete()
    Person.objects.filter(face_id="ada").update(legal_basis_expires=timezone.localdate() - timedelta(days=1))
    if is_trained_anew:
        train()
    submit(eyes.picture_of(ADA), track="t", captured_at=later(60))
    process_batch()
    track = Track.objects.get()
    assert (name(track), track.ended_at, track.detection_count) == ("ada", before.ended_at, 2)
    assert list(Detection.objects.values_list("person__face_id", flat=True)) == [None, "ada"]  # the newest first
    assert LastSeen.objects.get().captured_at == before.ended_at


def test_a_track_that_another_worker_renames_meanwhile_is_decided_again(
    eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = recording._lock_people
    asked = []

    def lock_too_early(*arguments: object) -> dict:
        asked.append(arguments)
        return lock(*arguments) if len(asked) > 1 else {}

    monkeypatch.setattr(recording, "_lock_people", lock_too_early)
    assert name(show(eyes, submit, [direction(ADA)])) == "ada"
    assert Crop.objects.get().state == Crop.State.DONE
    assert len(asked) == 2

"""Saying that a detection shows somebody else moves it, its track and the last-known locations, and is learned from."""

from datetime import timedelta

import numpy as np
import pytest
from django.db.models import F, QuerySet
from django.utils import timezone

from access.models import AuditEntry
from detections import correcting, lastseen, tracking
from detections.models import Detection, FaceImage, LastSeen, Track, TrackEvidence
from detections.retention import apply_retention
from people import erasure, lookalikes
from people.models import Lookalike, Person
from people.training import train
from recognition.loader import ModelUnavailableError, loader
from tests.fabricated import Eyes, direction, enrol, face, make_camera, make_person
from tests.web.sightings import detect

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage", "pack")]


@pytest.fixture
def ada() -> Person:
    return make_person("ada")


def on_track(person: Person | None, count: int = 3) -> Track:
    """An open track of that person at the gate, just now."""
    now = timezone.now()
    track = Track.objects.create(
        camera=make_camera(),
        key="t",
        person=person,
        probability=0.9,
        detection_count=count,
        captured_at=now,
        ended_at=now,
    )
    for number in range(count):
        Detection.objects.filter(pk=detect(person, timedelta(seconds=count - number)).pk).update(track=track)
    TrackEvidence.objects.create(track=track, pack_id="pack", vector=b"", crop_count=count)
    return track


def test_a_whole_track_moves_and_both_are_where_they_really_were(ada: Person) -> None:
    earlier = detect(ada, timedelta(hours=1), "lab")
    track = on_track(ada)
    grace = make_person("grace")
    assert correcting.correct(track.detections.last(), grace, None).count == 3
    assert set(Detection.objects.filter(track=track).values_list("person__face_id", flat=True)) == {"grace"}
    assert LastSeen.objects.get(person=ada).detection_id == earlier.pk
    assert LastSeen.objects.get(person=grace).detection_id == track.detections.order_by("-captured_at").first().pk
    track.refresh_from_db()
    assert (track.person, track.probability) == (grace, 1.0)
    assert track.corrected_at is not None


def test_somebody_who_was_seen_nowhere_else_is_nowhere(ada: Person) -> None:
    assert correcting.correct(detect(ada), None, None) == correcting.Correction(1, is_learned=False)
    assert not LastSeen.objects.exists()
    assert Detection.objects.get().person is None


def test_an_older_detection_moves_nobody_who_was_seen_since(ada: Person) -> None:
    grace = make_person("grace")
    wrong = detect(ada, timedelta(hours=2))
    newest = {person: detect(person, camera="lab").pk for person in (ada, grace)}
    correcting.correct(wrong, grace, None)
    assert {one.person: one.detection_id for one in LastSeen.objects.all()} == newest


def test_both_were_where_a_track_went_on_longest(ada: Person) -> None:
    lasting, wrong = on_track(ada), detect(ada, camera="lab")
    Track.objects.update(captured_at=F("captured_at") - timedelta(hours=3))
    Detection.objects.filter(track=lasting).update(captured_at=F("captured_at") - timedelta(hours=3))
    until = LastSeen.objects.get(person=ada).captured_at - timedelta(minutes=1)
    Track.objects.update(ended_at=until)
    detect(ada, timedelta(hours=1), "yard")  # later than any crop of the track
    correcting.correct(wrong, None, None)
    seen = LastSeen.objects.get(person=ada)
    assert (seen.camera_id, seen.captured_at, seen.detection) == ("gate", until, lasting.detections.first())
    grace = make_person("grace")
    correcting.correct(lasting.detections.first(), grace, None)
    assert {one.person.face_id: (one.camera_id, one.captured_at == until) for one in LastSeen.objects.all()} == {
        "ada": ("yard", False),
        "grace": ("gate", True),
    }


def test_later_crops_of_the_track_do_not_decide_otherwise(ada: Person) -> None:
    track = on_track(ada)
    correcting.correct(track.detections.first(), None, None)
    track = Track.objects.get()
    assert not track.is_open
    assert not tracking.decide([], loader.current())


@pytest.mark.parametrize(("keep", "left"), [(False, 0), (True, 1)])
def test_the_face_of_an_unknown_stays_only_where_those_are_kept(
    ada: Person, eyes: Eyes, settings: object, keep: bool, left: int
) -> None:
    settings.KEEP_UNKNOWN_FACES = keep
    correcting.correct(detect(ada, jpeg=eyes.picture_of(1)), None, None)
    assert FaceImage.objects.count() == left


def test_who_corrected_what_is_on_record_without_names(ada: Person, django_user_model: type) -> None:
    user = django_user_model.objects.create_user("guard")
    grace = make_person("grace")
    detection = detect(ada)
    correcting.correct(detection, grace, user)
    entries = AuditEntry.objects.filter(action="correct")
    assert {(one.actor, one.subject) for one in entries} == {("guard", ada.label), ("guard", grace.label)}
    assert "grace" not in str(list(entries.values()))


def test_what_cannot_be_corrected_changes_nothing(ada: Person) -> None:
    detection = detect(ada)
    expired = make_person("joan", legal_basis_expires=timezone.localdate() - timedelta(days=1))
    for person in (ada, expired):
        with pytest.raises(correcting.CannotCorrectError):
            correcting.correct(detection, person, None)
    overtaken = Detection.objects.get()
    correcting.correct(detection, None, None)
    with pytest.raises(correcting.CannotCorrectError):
        correcting.correct(overtaken, make_person("grace"), None)
    Detection.objects.all().delete()
    with pytest.raises(correcting.CannotCorrectError):
        correcting.correct(detection, make_person("marie"), None)


def test_whoever_a_track_still_names_is_seen_elsewhere_too(ada: Person) -> None:
    """A late detection on the track of somebody whose legal basis has ended says nobody."""
    track = on_track(ada)
    lastseen.reconsider([ada.pk])
    late = track.detections.first()
    Detection.objects.filter(pk=late.pk).update(person=None)
    late.refresh_from_db()
    grace = make_person("grace")
    correcting.correct(late, grace, None)
    assert {one.person: one.detection_id for one in LastSeen.objects.all()} == {grace: late.pk}
    noted = AuditEntry.objects.filter(action="correct").values_list("subject", flat=True)
    assert set(noted) == {ada.label, grace.label}


def test_a_track_that_was_renamed_meanwhile_is_not_corrected(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    track, grace = on_track(ada), make_person("grace")
    late = track.detections.first()
    Detection.objects.filter(pk=late.pk).update(person=None)
    late.refresh_from_db()
    locked = Person.objects.select_for_update

    def renamed_before(**options: object) -> QuerySet[Person]:
        Track.objects.update(person=grace)
        return locked(**options)

    monkeypatch.setattr(Person.objects, "select_for_update", renamed_before)
    with pytest.raises(correcting.CannotCorrectError, match="Somebody else"):
        correcting.correct(late, grace, None)


def between(first: int, second: int) -> np.ndarray:
    """A face that resembles two people alike."""
    middle = direction(first) + direction(second)
    return middle / np.linalg.norm(middle)


def test_the_next_training_moves_a_person_away_from_who_was_taken_for_them(eyes: Eyes) -> None:
    ada = enrol("ada", 1)
    enrol("grace", 2)
    train()
    stranger = between(1, 7)
    classifier = loader.current().classifier
    before = float(classifier.similarities(stranger[None])[0, classifier.labels.index(ada.label)])
    assert correcting.correct(detect(ada, jpeg=eyes.picture(face(stranger))), None, None).is_learned
    assert Lookalike.objects.get().person == ada
    train()
    classifier = loader.current().classifier
    after = float(classifier.similarities(stranger[None])[0, classifier.labels.index(ada.label)])
    own = float(classifier.similarities(direction(1)[None])[0, classifier.labels.index(ada.label)])
    assert after < before - 0.05
    assert own > 0.97


@pytest.mark.parametrize("shown", ["grace", None])
@pytest.mark.parametrize("tracked", [True, False])
def test_a_correction_that_is_taken_back_is_learned_from_no_more(
    eyes: Eyes, ada: Person, settings: object, shown: str | None, tracked: bool
) -> None:
    settings.KEEP_UNKNOWN_FACES = True
    other = make_person(shown) if shown else None
    slip = put_right = detect(ada, jpeg=eyes.picture_of(1))
    if tracked:
        track = on_track(ada)
        Detection.objects.filter(pk=slip.pk).update(track=track)
        put_right = track.detections.exclude(pk=slip.pk).first()
    correcting.correct(Detection.objects.get(pk=slip.pk), other, None)
    lookalikes.record(ada, "pack", b"", shown=None, seen_in="another")
    correcting.correct(Detection.objects.get(pk=put_right.pk), ada, None)
    assert Lookalike.objects.get(person=ada).seen_in == "another"


def test_what_was_learned_shows_whom_the_detection_is_of_in_the_end(eyes: Eyes, ada: Person) -> None:
    detection = detect(ada, jpeg=eyes.picture_of(1))
    for name in ("grace", "joan"):
        correcting.correct(Detection.objects.get(pk=detection.pk), make_person(name), None)
    assert set(Lookalike.objects.values_list("person__face_id", "shown__face_id")) == {
        ("ada", "joan"),
        ("grace", "joan"),
    }
    erasure.erase(Person.objects.get(face_id="joan"))
    assert not Lookalike.objects.exists()


def test_a_face_is_corrected_without_a_model_to_learn_with(
    eyes: Eyes, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable() -> None:
        raise ModelUnavailableError("The model in service cannot be loaded.")

    monkeypatch.setattr(loader, "current", unavailable)
    assert not correcting.correct(detect(ada, jpeg=eyes.picture_of(1)), None, None).is_learned
    assert Detection.objects.get().person is None


def test_what_was_learned_goes_with_whom_it_shows_and_with_time(eyes: Eyes, settings: object) -> None:
    ada, grace, joan = enrol("ada", 1), enrol("grace", 2), enrol("joan", 3)
    train()
    for seed, shown in ((2, grace), (3, joan), (9, None)):
        correcting.correct(detect(ada, jpeg=eyes.picture_of(seed)), shown, None)
    erasure.erase(joan)
    assert set(Lookalike.objects.values_list("shown__face_id", flat=True)) == {"grace", None}
    Lookalike.objects.filter(shown=None).update(
        created_at=timezone.now() - timedelta(days=settings.RETENTION_DAYS, minutes=1)
    )
    assert apply_retention()["lookalikes"] == 1
    erasure.erase(ada)
    assert not Lookalike.objects.exists()

"""Erasing a person takes everything that knows them, and nothing that knows others."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection
from rest_framework.test import APIClient

from detections.models import Crop, Delivery, Detection, ExternalServer, FaceImage, LastSeen, Track, TrackEvidence
from detections.processing import process_batch
from detections.tasks import sweep
from people import enrolment, erasure
from people.models import Embedding, Person, Photo
from people.training import train
from recognition.engine.artifact import Model
from recognition.engine.errors import PackError
from recognition.loader import loader
from recognition.models import ActiveModel, Job, ModelLabel, TrainedModel
from tests.fabricated import Eyes, direction, enrol, make_person

ADA, GRACE = 1, 2
SECRET_NAME = "Ada Lovelace of Ockham"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada(eyes: Eyes, storage: Path, submit: Callable[..., object], operator_user: object) -> Person:
    """Ada and Grace, enrolled, trained, seen, delivered, with a crop of Ada's track still waiting."""
    ada = make_person(SECRET_NAME)
    for _ in range(2):
        enrolment.add_photo(ada, eyes.picture_of(ADA))
    enrol("grace", GRACE)
    train()
    ExternalServer.objects.create(name="outside", url="http://127.0.0.1:9/", secret="whsec_c2VjcmV0")
    submit(eyes.picture_of(ADA), track="t1", deliver=True)
    submit(eyes.picture_of(GRACE), track="t2", deliver=True)
    assert process_batch() == 2
    submit(eyes.picture_of(ADA), track="t1")
    LogEntry.objects.create(
        user=operator_user,
        content_type=ContentType.objects.get_for_model(Person),
        object_id=str(ada.pk),
        object_repr=str(ada),
        action_flag=CHANGE,
    )
    return ada


def named(seed: int) -> str | None:
    (identity,) = loader.current().classifier.identify(direction(seed)[None])
    return identity.label


def test_every_row_about_the_person_goes_and_those_of_others_stay(ada: Person, operator: APIClient) -> None:
    answer = operator.delete(f"/api/v1/dataset/{SECRET_NAME}")
    assert answer.status_code == 200
    for model in (Person, LastSeen, Track, TrackEvidence, Detection, FaceImage, Delivery):
        assert model.objects.count() == 1, model
    assert Detection.objects.get().person.face_id == "grace"
    assert Photo.objects.filter(file__gt="").count() == 0
    assert Embedding.objects.count() == 2
    assert Crop.objects.filter(image__isnull=False).count() == 0
    assert not LogEntry.objects.exists()
    assert ModelLabel.objects.filter(label=ada.label).count() == 0


def test_the_answer_says_how_many_of_what_went(ada: Person, operator: APIClient) -> None:
    erased = operator.delete(f"/api/v1/dataset/{SECRET_NAME}").json()["erased"]
    assert erased == {
        "crop": 2,
        "delivery": 1,
        "detection": 1,
        "embedding": 2,
        "faceimage": 1,
        "files": 2,
        "lastseen": 1,
        "logentry": 1,
        "models": 1,
        "person": 1,
        "photo": 2,
        "track": 1,
        "trackevidence": 1,
    }


def test_models_that_know_the_person_are_retired_with_their_artifacts(ada: Person, storage: Path) -> None:
    old = TrainedModel.objects.get()
    erasure.erase(ada)
    old.refresh_from_db()
    assert old.retired_at
    (kept,) = (storage / "models").iterdir()
    assert kept.name == Path(ActiveModel.objects.get().model.storage_name).name != Path(old.storage_name).name
    assert not list(storage.rglob(f"*{ada.pk}*"))


def test_others_stay_named_throughout(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    grace = Person.objects.get(face_id="grace")
    assert (named(ADA), named(GRACE)) == (ada.label, grace.label)
    seen = []
    save = ActiveModel.save
    monkeypatch.setattr(ActiveModel, "save", lambda row, **how: (seen.append(row.model_id), save(row, **how)))
    erasure.erase(ada)
    assert None not in seen, "there was a moment without a model"
    assert (named(ADA), named(GRACE)) == (None, grace.label)


def test_the_last_person_erased_leaves_a_model_that_names_nobody(db: None, storage: Path) -> None:
    person = enrol("only", ADA)
    train()
    erasure.erase(person)
    assert named(ADA) is None
    assert loader.current().model_id == ActiveModel.objects.get().model_id


def test_erasing_somebody_whom_no_model_knows_moves_no_pointer(ada: Person) -> None:
    before = ActiveModel.objects.get().generation
    assert erasure.erase(make_person("never trained"))["models"] == 0
    assert ActiveModel.objects.get().generation == before


def test_older_models_that_know_the_person_cannot_come_back(ada: Person) -> None:
    enrol("third", 3)
    train()
    erasure.erase(ada)
    assert TrainedModel.objects.filter(retired_at=None).count() == 1


def test_nobody_is_there_to_be_erased(operator: APIClient) -> None:
    assert operator.delete("/api/v1/dataset/nobody").status_code == 404


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has no such log")
def test_a_backup_that_reads_holds_up_nobody_and_the_log_is_emptied_after_it(ada: Person) -> None:
    """To wait for the backup, emptying the log would keep all writers out."""
    database = Path(connection.settings_dict["NAME"])
    with closing(sqlite3.connect(database, isolation_level=None)) as backup:
        backup.execute("BEGIN DEFERRED")
        backup.execute("SELECT COUNT(*) FROM people_person").fetchone()
        started = time.monotonic()
        erasure.erase(ada)
        assert time.monotonic() - started < 5
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (1000 * connection.settings_dict["OPTIONS"]["timeout"],)
    log = database.with_name(f"{database.name}-wal")
    assert log.stat().st_size > 0
    erasure.forget_write_ahead_log()
    assert log.stat().st_size == 0


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the database file")
def test_no_byte_of_the_person_is_left_in_database_or_storage(ada: Person, storage: Path) -> None:
    photos = [(storage / photo.file.name).read_bytes() for photo in ada.photos.all()]
    waiting = bytes(Crop.objects.get(image__isnull=False).image)
    face = bytes(FaceImage.objects.get(detection__person=ada).jpeg)
    vector = direction(ADA).astype("<f4").tobytes()
    traces = [*photos, waiting, face, vector, SECRET_NAME.encode(), ada.pk.hex.encode(), str(ada.pk).encode()]
    assert all(_found(trace, storage) for trace in traces)
    # Enough neighbours that pages were split and merged around the person's rows.
    for number in range(60):
        enrol(f"neighbour {number}", 100 + number)
    erasure.erase(ada)
    assert [trace[:40] for trace in traces if _found(trace, storage)] == []


def _found(trace: bytes, storage: Path) -> bool:
    database = Path(connection.settings_dict["NAME"])
    files = [*database.parent.glob(f"{database.name}*"), *storage.rglob("*")]
    names = b" ".join(str(path.relative_to(path.parents[2])).encode() for path in files)
    return trace in names or any(trace in path.read_bytes() for path in files if path.is_file())


def test_without_a_pack_the_person_goes_all_the_same_and_a_training_waits(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_pack(**_: object) -> None:
        raise PackError("There is no pack.")

    monkeypatch.setattr(erasure, "fit_gallery", no_pack)
    erasure.erase(ada)
    assert not Person.objects.filter(pk=ada.pk).exists()
    assert ActiveModel.objects.get().model is None
    assert Job.objects.filter(kind=Job.Kind.OPTIMIZED_TRAIN, state=Job.State.QUEUED).exists()


def test_a_crop_that_comes_in_between_is_taken_by_a_second_attempt(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []

    def collide(person: Person) -> None:
        attempts.append(person)
        raise IntegrityError("a crop still refers to the track")

    once = erasure._erase
    monkeypatch.setattr(erasure, "_erase", lambda person, by: once(person, by) if attempts else collide(person))
    assert erasure.erase(ada)["person"] == 1
    assert len(attempts) == 1


def test_a_job_whose_last_crop_goes_with_the_person_ends(ada: Person, operator: APIClient) -> None:
    job = Job.objects.get(kind=Job.Kind.RECOGNISE, state=Job.State.QUEUED)
    sweep()
    assert operator.get(f"/api/v1/jobs/{job.pk}").json()["state"] == "queued"
    erasure.erase(ada)
    sweep()
    answer = operator.get(f"/api/v1/jobs/{job.pk}").json()
    assert (answer["state"], answer["done"], answer["total"]) == ("succeeded", 1, 1)


def test_a_model_that_knows_somebody_whose_legal_basis_just_ended_is_made_anew(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = []

    def end_a_basis_after(**how: object) -> Model:
        models.append(fit(**how))
        if len(models) == 1:
            Person.objects.filter(face_id="grace").update(legal_basis_expires=date(2026, 2, 1))
        return models[-1]

    fit = erasure.fit_gallery
    monkeypatch.setattr(erasure, "fit_gallery", end_a_basis_after)
    assert erasure.erase(ada)["person"] == 1
    assert len(models) == 2

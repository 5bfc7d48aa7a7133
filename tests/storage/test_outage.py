"""While storage is down what is loaded goes on, uploads are asked to come again, and nothing is left half done."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from rest_framework.test import APIClient

from access.roles import Role
from detections.models import Crop, Detection
from detections.processing import process_batch
from people import enrolment, training
from people.models import Embedding, Person, Photo
from recognition import jobs, publishing, storage
from recognition.loader import ModelUnavailableError, loader
from recognition.models import ActiveModel, Job, TrainedModel
from tests.fabricated import Eyes, enrol, make_person, run_together
from tests.link import Link
from tests.photographs import upload

pytestmark = pytest.mark.django_db(transaction=True)

IMAGE = "/api/v1/dataset/ada/image"


@pytest.fixture
def ada(eyes: Eyes, link: Link) -> Person:
    """Enrolled with a photo in storage, and in the model that is loaded."""
    person = make_person("ada")
    enrolment.add_photo(person, eyes.picture_of(1))
    training.train()
    assert loader.current().classifier.labels == (person.label,)
    return person


def assert_come_again(answer: object) -> None:
    assert answer.status_code == 503
    assert answer.json()["type"] == "storage-unavailable"
    assert "again" in answer.json()["detail"]
    assert int(answer["Retry-After"]) > 0


def test_queued_crops_are_recognised(ada: Person, eyes: Eyes, submit: Callable[..., object], link: Link) -> None:
    submit(eyes.picture_of(1))
    link.cut()
    assert process_batch() == 1
    assert Detection.objects.get().person == ada
    assert not Crop.objects.filter(state=Crop.State.PENDING).exists()


def test_a_process_that_starts_meanwhile_says_so_and_is_ready_once_storage_is_back(
    ada: Person, eyes: Eyes, submit: Callable[..., object], link: Link
) -> None:
    submit(eyes.picture_of(1))
    link.cut()
    loader.__init__()  # as in a new process
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "no model"})
    with pytest.raises(ModelUnavailableError):
        process_batch()
    assert Crop.objects.get().attempts == 0

    link.mend()
    assert Client().get("/readyz").status_code == 200
    assert process_batch() == 1
    assert Detection.objects.get().person == ada


def test_those_who_wait_for_a_model_share_one_attempt(ada: Person, link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def hang(name: str, size: int) -> bytes:
        tries.append(name)
        time.sleep(1)
        raise storage.StorageUnavailableError

    monkeypatch.setattr(storage, "read", hang)
    loader.__init__()
    statuses = run_together(*[lambda: Client().get("/readyz").status_code] * 8)
    assert statuses == [503] * 8
    assert len(tries) < 4


def test_uploads_and_training_are_answered_503_and_leave_nothing(
    ada: Person, eyes: Eyes, link: Link, operator: APIClient
) -> None:
    photo = eyes.picture_of(1)
    link.cut()
    assert_come_again(operator.post(IMAGE, upload(photo), format="multipart"))
    for path in ("generate-emb", "optimized-train", "train"):
        assert_come_again(operator.post(f"/api/v1/model/{path}"))
    assert Photo.objects.count() == Embedding.objects.count() == 1
    assert not Job.objects.exists()

    link.mend()
    assert operator.post(IMAGE, upload(photo), format="multipart").status_code == 201
    assert storage.listing(enrolment.folder_of(ada)) == ([], sorted(photo_files()))


def photo_files() -> list[str]:
    return [name.rpartition("/")[2] for name in Photo.objects.values_list("file", flat=True)]


def test_nobody_is_half_erased(ada: Person, link: Link, operator: APIClient) -> None:
    link.cut()
    assert_come_again(operator.delete("/api/v1/dataset/ada"))
    assert ada.photos.count() == 1
    assert ActiveModel.objects.get().model.labels.count() == 1

    link.mend()
    assert operator.delete("/api/v1/dataset/ada").json()["erased"]["files"] == 1
    assert storage.listing(enrolment.folder_of(ada)) == ([], [])


@pytest.mark.parametrize("kind", [Job.Kind.OPTIMIZED_TRAIN, Job.Kind.TRAIN])
def test_training_waits_for_storage_however_often_it_was_tried_and_the_old_model_stays(
    ada: Person, eyes: Eyes, link: Link, kind: Job.Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "RETRY_DELAY", timedelta(seconds=-1))
    grace = make_person("grace")
    enrolment.add_photo(grace, eyes.picture_of(2))
    before = ActiveModel.objects.get()
    job = jobs.request(kind)
    link.cut()
    for _ in range(jobs.MAX_ATTEMPTS + 1):
        jobs.run(job.pk, training.perform)
    job.refresh_from_db()
    assert (job.is_over, ActiveModel.objects.get().generation) == (False, before.generation)
    assert "Storage does not answer" in job.message
    assert TrainedModel.objects.count() == 1

    link.mend()
    jobs.run(job.pk, training.perform)
    job.refresh_from_db()
    assert (job.state, job.model.people_count) == (Job.State.SUCCEEDED, 2)


def test_a_new_model_that_cannot_be_fetched_is_taken_once_it_can(
    ada: Person, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol("grace", 2)
    first, second = loader.current().model_id, training.train()
    link.cut()
    assert loader.current().model_id == first
    second.refresh_from_db()
    assert "Storage does not answer" in second.fault

    link.mend()
    monkeypatch.setattr("recognition.loader.RETRY_AFTER_S", 0)
    assert loader.current().model_id == second.pk
    second.refresh_from_db()
    assert second.fault == ""


def test_the_admin_says_that_a_photo_was_not_stored(ada: Person, eyes: Eyes, link: Link, make_user: object) -> None:
    browser = Client()
    browser.force_login(make_user(Role.OPERATOR))
    change = f"/admin/people/person/{ada.pk}/change/"
    form = {"face_id": "ada", "legal_basis": "consent", "legal_basis_date": "2026-01-01"}
    photo = upload(eyes.picture_of(1))["image"]
    link.cut()
    assert "Not stored" in browser.post(change, form | {"photos": [photo]}, follow=True).text
    assert "Training was not requested" in browser.post("/admin/people/person/train/", follow=True).text
    page = browser.post(f"/admin/people/person/{ada.pk}/delete/", {"confirmed": "yes"}, follow=True).text
    assert "Not everybody was erased" in page
    picture = browser.get(f"/admin/people/person/photos/{ada.photos.get().pk}.jpg")
    assert (picture.status_code, picture["Retry-After"]) == (503, "10")
    assert Photo.objects.count() == 1


def test_a_retired_artifact_that_could_not_be_deleted_is_collected_later(ada: Person, link: Link) -> None:
    artifact = TrainedModel.objects.get().storage_name
    link.cut()
    publishing.retire_models_with([ada.label], "a test")
    link.mend()
    assert storage.read(artifact)
    assert publishing.delete_stray_artifacts() == 1
    with pytest.raises(FileNotFoundError):
        storage.read(artifact)


@pytest.mark.slow
def test_slow_storage_holds_only_a_few_threads(ada: Person, link: Link) -> None:
    link.delay = 60

    def ask() -> float:
        started = time.monotonic()
        with pytest.raises(storage.StorageUnavailableError):
            storage.read(TrainedModel.objects.get().storage_name)
        return time.monotonic() - started

    waited = sorted(run_together(*[ask] * (storage.PLACES + 4)))
    # Those who find a place give up after two attempts of five seconds, the others at once.
    assert sum(seconds > 5 for seconds in waited) == storage.PLACES
    assert waited[-1] < 30

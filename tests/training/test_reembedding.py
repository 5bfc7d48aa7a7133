"""`generate-emb` embeds every photo of everyone lawful anew; one that is lost or spoiled does not stop the others."""

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from people import embedding, enrolment, training
from people.models import Embedding, Person, Photo
from recognition import jobs, storage
from recognition.engine.pipeline import Pipeline
from recognition.loader import pipeline
from recognition.models import Job, TrainedModel
from tests.fabricated import Eyes, direction, face, make_person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


@pytest.fixture
def photos(eyes: Eyes) -> list[Photo]:
    ada = make_person("ada")
    return [enrolment.add_photo(ada, eyes.picture_of(1)) for _ in range(3)]


def run(kind: Job.Kind) -> Job:
    job = jobs.request(kind)
    jobs.run(job.pk, training.perform)
    job.refresh_from_db()
    return job


def test_vectors_are_made_anew_and_no_model_is_trained(photos: list[Photo]) -> None:
    Embedding.objects.update(vector=direction(9).tobytes())
    job = run(Job.Kind.GENERATE_EMB)
    assert (job.state, job.done, job.total) == (Job.State.SUCCEEDED, 3, 3)
    for made in Embedding.objects.all():
        assert np.array_equal(np.frombuffer(made.vector, "<f4"), direction(1))
    assert not TrainedModel.objects.exists()


def test_vectors_of_another_pack_are_kept_beside_the_new_ones(photos: list[Photo]) -> None:
    Embedding.objects.update(pack_id="another@00000000")
    run(Job.Kind.GENERATE_EMB)
    packs = Embedding.objects.values_list("pack_id", flat=True)
    assert sorted(packs) == sorted(["another@00000000"] * 3 + [pipeline().pack_id] * 3)


def test_train_does_both(photos: list[Photo]) -> None:
    Embedding.objects.all().delete()
    job = run(Job.Kind.TRAIN)
    assert job.state == Job.State.SUCCEEDED
    assert job.model.vector_count == 3


def test_a_lost_file_is_counted_and_the_others_are_done(photos: list[Photo], storage: Path) -> None:
    Embedding.objects.all().delete()
    (storage / photos[0].file.name).unlink()
    job = run(Job.Kind.GENERATE_EMB)
    assert job.state == Job.State.SUCCEEDED
    assert "1 of them unusable" in job.message
    assert Embedding.objects.count() == 2


def test_a_file_that_cannot_be_read_is_passed_over_where_the_others_can(
    photos: list[Photo], storage: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "PAUSES_S", (0, 0))
    Embedding.objects.all().delete()
    broken = storage / photos[0].file.name
    broken.unlink()
    broken.mkdir()
    job = run(Job.Kind.GENERATE_EMB)
    assert (job.state, "1 of them unusable" in job.message) == (Job.State.SUCCEEDED, True)
    assert Embedding.objects.count() == 2
    assert f"photo {photos[0].pk} cannot be read" in caplog.text


def test_a_file_that_storage_does_not_give_for_a_moment_is_not_lost(
    photos: list[Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, failed = storage.read, []

    def read(name: str) -> bytes:
        if not failed:
            failed.append(name)
            raise storage.StorageUnavailableError("a moment's fault")
        return whole(name)

    monkeypatch.setattr(storage, "read", read)
    Embedding.objects.update(pack_id="another@1")
    assert run(Job.Kind.OPTIMIZED_TRAIN).model.vector_count == 3
    assert failed


def test_where_no_file_can_be_read_it_waits(photos: list[Photo], storage: Path) -> None:
    shutil.rmtree(storage)
    storage.touch()
    assert run(Job.Kind.GENERATE_EMB).state == Job.State.RUNNING


def test_refused_photos_are_not_embedded(photos: list[Photo], eyes: Eyes) -> None:
    enrolment.add_photo(photos[0].person, eyes.picture())
    assert run(Job.Kind.GENERATE_EMB).total == 3


def test_nor_are_those_of_people_whose_legal_basis_ended(photos: list[Photo]) -> None:
    Embedding.objects.all().delete()
    Person.objects.update(legal_basis_expires=date(2026, 2, 1))
    assert run(Job.Kind.GENERATE_EMB).state == Job.State.SUCCEEDED
    assert not Embedding.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_photo_erased_meanwhile_is_passed_over(photos: list[Photo], monkeypatch: pytest.MonkeyPatch) -> None:
    Embedding.objects.all().delete()

    def erased_meanwhile(data: bytes, engine: Pipeline) -> enrolment.Verdict:
        Photo.objects.filter(pk=min(photo.pk for photo in photos)).delete()
        return enrolment.Verdict("", "Accepted.", face(direction(1)))

    monkeypatch.setattr(embedding, "judge", erased_meanwhile)
    assert run(Job.Kind.GENERATE_EMB).state == Job.State.SUCCEEDED
    assert Embedding.objects.count() == 2


def test_with_no_photos_there_is_nothing_to_do() -> None:
    assert run(Job.Kind.GENERATE_EMB).state == Job.State.SUCCEEDED

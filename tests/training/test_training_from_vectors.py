"""Training makes a model of everyone who may be recognised, from their stored vectors."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from people import erasure, training
from people.models import Embedding, Person
from people.training import fit_gallery, train
from recognition import jobs, publishing
from recognition.engine.artifact import Model
from recognition.loader import loader
from recognition.models import ActiveModel, Job, ModelLabel, TrainedModel
from tests.fabricated import direction, enrol

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


def named(seed: int) -> str | None:
    (identity,) = loader.current().classifier.identify(direction(seed)[None])
    return identity.label


def test_a_worker_that_lost_its_job_meanwhile_puts_no_model_in_service(monkeypatch: pytest.MonkeyPatch) -> None:
    def fit_too_slowly(**options: object) -> Model:
        fitted = fit_gallery(**options)
        jobs.release_stuck()
        return fitted

    enrol("ada", 1)
    monkeypatch.setattr(training, "fit_gallery", fit_too_slowly)
    job = jobs.request(Job.Kind.OPTIMIZED_TRAIN)
    jobs.run(job.pk, training.perform)
    assert not TrainedModel.objects.exists()
    job.refresh_from_db()
    assert job.state == Job.State.QUEUED


def test_everyone_enrolled_is_named_and_a_stranger_is_not() -> None:
    people = [enrol(f"person {seed}", seed) for seed in range(5)]
    trained = train()
    assert [named(seed) for seed in range(5)] == [person.label for person in people]
    assert named(99) is None
    assert (trained.people_count, trained.vector_count) == (5, 10)
    assert set(ModelLabel.objects.values_list("label", flat=True)) == {person.label for person in people}


def test_whose_legal_basis_has_expired_is_left_out() -> None:
    enrol("expired", 1, legal_basis_expires=timezone.localdate() - timedelta(days=1))
    lawful = enrol("lawful", 2)
    assert train().people_count == 1
    assert (named(1), named(2)) == (None, lawful.label)


def test_an_empty_dataset_trains_a_model_that_names_nobody() -> None:
    trained = train()
    assert (trained.people_count, trained.vector_count) == (0, 0)
    assert loader.current().model_id == trained.pk
    assert named(1) is None


def test_vectors_of_another_pack_are_left_out() -> None:
    enrol("old", 1)
    Embedding.objects.update(pack_id="another@00000000")
    assert train().people_count == 0


def test_equal_data_makes_the_same_artifact(storage: Path) -> None:
    enrol("ada", 1)
    enrol("grace", 2)
    first, second = train(), train()
    assert first == second
    assert len(list((storage / "models").iterdir())) == 1
    assert ActiveModel.objects.get().generation == 2


def test_a_new_photo_makes_another_artifact() -> None:
    enrol("ada", 1)
    first = train()
    enrol("grace", 2)
    assert train().sha256 != first.sha256


def test_the_stored_file_is_what_its_name_says(storage: Path) -> None:
    enrol("ada", 1)
    trained = train()
    assert (storage / trained.storage_name).stat().st_size == trained.size


def test_half_a_file_left_by_a_crash_is_replaced(storage: Path) -> None:
    person = enrol("ada", 1)
    path = storage / train().storage_name
    path.write_bytes(path.read_bytes()[:100])
    loader.__init__()
    train()
    assert named(1) == person.label


def test_somebody_erased_during_training_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    gone, kept = enrol("gone", 1), enrol("kept", 2)
    real = training.fit_gallery

    def erase_after_fitting(**options: object) -> object:
        model = real(**options)
        monkeypatch.setattr(training, "fit_gallery", real)
        erasure.erase(gone)
        return model

    monkeypatch.setattr(training, "fit_gallery", erase_after_fitting)
    assert train().people_count == 1
    assert (named(1), named(2)) == (None, kept.label)
    assert TrainedModel.objects.filter(retired_at=None).count() == 1


def test_training_gives_up_with_a_clear_text_when_people_keep_vanishing(monkeypatch: pytest.MonkeyPatch) -> None:
    enrol("ada", 1)
    real = training.fit_gallery

    def erase_after_fitting(**options: object) -> object:
        model = real(**options)
        Person.objects.all().delete()
        enrol("next", 2)
        return model

    monkeypatch.setattr(training, "fit_gallery", erase_after_fitting)
    job = jobs.request(Job.Kind.OPTIMIZED_TRAIN)
    jobs.run(job.pk, training.perform)
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "Train again" in job.message
    assert not TrainedModel.objects.exists()


def test_superseded_models_beyond_ten_are_retired(storage: Path, django_capture_on_commit_callbacks: object) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        for seed in range(publishing.KEPT_MODELS + 3):
            enrol(f"person {seed}", seed, photos=1)
            train()
    live = TrainedModel.objects.filter(retired_at=None)
    assert live.count() == publishing.KEPT_MODELS + 1
    assert {path.name for path in (storage / "models").iterdir()} == {Path(one.storage_name).name for one in live}

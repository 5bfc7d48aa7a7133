"""A crop that cannot be processed costs its neighbours nothing, and is given up after three attempts."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from detections import processing
from detections.models import Crop, Detection
from detections.processing import MAX_ATTEMPTS, process_batch, requeue
from people.training import train
from recognition.engine.pipeline import Pipeline
from recognition.loader import ModelUnavailableError, loader
from recognition.models import Job
from tests.fabricated import Eyes, enrol, level_of, plain_png

Submit = Callable[..., object]

pytestmark = pytest.mark.django_db


@pytest.fixture
def poison(eyes: Eyes, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A picture on which the engine raises."""
    picture = eyes.picture_of(66)

    def analyse(_: Pipeline, images: list, **options: object) -> list:
        if any(level_of(image) == 0 for image in images):
            raise RuntimeError("engine broke on a secret")
        return eyes.analyse(images)

    monkeypatch.setattr(Pipeline, "analyse", analyse)
    return picture


def retry_now() -> None:
    Crop.objects.filter(state=Crop.State.PENDING).update(due_at=timezone.now() - timedelta(seconds=1))


def test_neighbours_are_done_in_the_same_turn(poison: bytes, eyes: Eyes, submit: Submit) -> None:
    for seed in range(3):
        submit(eyes.picture_of(seed))
    bad = submit(poison).accepted[0]
    assert process_batch() == 4
    assert Detection.objects.count() == 3
    assert list(Crop.objects.filter(state=Crop.State.PENDING).values_list("pk", "attempts")) == [(bad, 1)]


def test_it_waits_before_it_is_tried_again(poison: bytes, submit: Submit) -> None:
    submit(poison)
    process_batch()
    assert process_batch() == 0


def test_after_three_attempts_it_is_given_up_with_its_image_and_a_reason(poison: bytes, submit: Submit) -> None:
    job = submit(poison).job
    for _ in range(MAX_ATTEMPTS):
        assert process_batch() == 1
        retry_now()
    crop = Crop.objects.get()
    assert (crop.state, bytes(crop.image)) == (Crop.State.DEAD, poison)
    assert "3 times" in crop.error
    assert "secret" not in crop.error
    job.refresh_from_db()
    assert (job.state, job.done, job.failed) == (Job.State.SUCCEEDED, 1, 1)
    assert process_batch() == 0


def test_a_crop_that_was_tried_before_is_claimed_alone(
    eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crop that kills the worker leaves no exception: it must not be among others again."""
    crops = [submit(eyes.picture_of(seed)).accepted[0] for seed in range(5)]
    Crop.objects.filter(pk__in=crops[:2]).update(attempts=1)
    assert [process_batch() for _ in range(4)] == [1, 1, 3, 0]


def test_a_crop_that_killed_three_workers_is_buried(eyes: Eyes, submit: Submit) -> None:
    job = submit(eyes.picture_of(1)).job
    Crop.objects.update(attempts=MAX_ATTEMPTS)
    submit(eyes.picture_of(2))
    assert process_batch() == 1
    dead = Crop.objects.get(state=Crop.State.DEAD)
    assert "lost" in dead.error
    job.refresh_from_db()
    assert (job.state, job.failed) == (Job.State.SUCCEEDED, 1)


def test_an_image_that_cannot_be_decoded_is_given_up_at_once(
    eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = submit(eyes.picture_of(1)).accepted[0]
    # A whole container around spoiled pixels passes inspection.
    spoiled = bytearray(plain_png(5))
    spoiled[60:70] = bytes(10)
    submit(bytes(spoiled))
    assert process_batch() == 2
    dead = Crop.objects.exclude(pk=good).get()
    assert (dead.state, dead.attempts) == (Crop.State.DEAD, 1)
    assert dead.error


def test_what_was_given_up_can_be_tried_again(
    poison: bytes, eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(poison).job
    for _ in range(MAX_ATTEMPTS):
        process_batch()
        retry_now()
    assert requeue(Crop.objects.all()) == 1
    job.refresh_from_db()
    assert (job.state, job.done, job.failed, job.finished_at) == (Job.State.RUNNING, 0, 0, None)

    monkeypatch.setattr(Pipeline, "analyse", lambda _, images, **__: eyes.analyse(images))
    assert process_batch() == 1
    assert Detection.objects.count() == 1
    job.refresh_from_db()
    assert (job.state, job.done, job.failed) == (Job.State.SUCCEEDED, 1, 0)


def test_only_what_was_given_up_can_be_tried_again(eyes: Eyes, submit: Submit) -> None:
    submit(eyes.picture_of(1))
    assert requeue(Crop.objects.all()) == 0
    process_batch()
    assert requeue(Crop.objects.all()) == 0
    assert Job.objects.get().done == 1


def test_a_model_that_cannot_be_loaded_uses_up_no_attempts(eyes: Eyes, submit: Submit, storage: Path) -> None:
    enrol("ada", 1)
    (storage / train().storage_name).write_bytes(b"")
    loader.__init__()
    submit(eyes.picture_of(1))
    with pytest.raises(ModelUnavailableError):
        process_batch()
    crop = Crop.objects.get()
    assert (crop.state, crop.attempts) == (Crop.State.PENDING, 0)
    train()
    assert process_batch() == 1
    assert Detection.objects.get().person.face_id == "ada"


def test_a_batch_takes_no_more_than_its_limit(eyes: Eyes, submit: Submit) -> None:
    for seed in range(processing.BATCH + 1):
        submit(eyes.picture_of(seed))
    assert [process_batch() for _ in range(3)] == [processing.BATCH, 1, 0]

"""A crop is in the hands of one worker at a time; whoever lost the lease has no effect."""

import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from detections import processing, recording, tracking
from detections.ingest import Receipt
from detections.models import Crop, Detection, Track
from detections.processing import process_batch
from recognition import leases, stopping
from recognition.engine.pipeline import Pipeline
from recognition.models import Job
from tests.fabricated import Eyes, run_together
from tests.servers import wait_until

Submit = Callable[..., object]


def lose_leases() -> None:
    Crop.objects.filter(state=Crop.State.PENDING).update(due_at=timezone.now() - timedelta(seconds=1))


def during_analysis(monkeypatch: pytest.MonkeyPatch, eyes: Eyes, happens: Callable[[], object]) -> None:
    """Let something happen once while a worker looks at its batch."""
    todo = [happens]

    def analyse(_: Pipeline, images: list, **options: object) -> list:
        if todo:
            todo.pop()()
        return eyes.analyse(images)

    monkeypatch.setattr(Pipeline, "analyse", analyse)


def test_a_claimed_crop_is_not_due_for_others(
    db: None, eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    submit(eyes.picture_of(1))
    during_analysis(monkeypatch, eyes, lambda: seen.append(process_batch()))
    assert process_batch() == 1
    assert seen == [0]


def test_a_worker_that_was_too_slow_has_no_effect(
    db: None, eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(eyes.picture_of(1), track="t")

    def another_worker_takes_over() -> None:
        lose_leases()
        assert process_batch() == 1

    during_analysis(monkeypatch, eyes, another_worker_takes_over)
    process_batch()
    assert Detection.objects.count() == 1
    assert Track.objects.get().detection_count == 1
    job = Job.objects.get()
    assert (job.done, job.state) == (1, Job.State.SUCCEEDED)


def test_a_worker_that_lost_one_crop_still_finishes_the_others(
    db: None, eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, kept = (submit(eyes.picture_of(seed)).accepted[0] for seed in (1, 2))
    during_analysis(monkeypatch, eyes, lambda: Crop.objects.filter(pk=lost).update(claim=None))
    process_batch()
    assert [one.crop_id for one in Detection.objects.all()] == [kept]
    assert Crop.objects.get(pk=lost).state == Crop.State.PENDING


def test_a_lost_lease_is_no_error_of_the_crop(
    db: None, eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(eyes.picture_of(1))
    during_analysis(monkeypatch, eyes, lambda: Crop.objects.update(claim=None, due_at=timezone.now()))
    process_batch()
    assert Crop.objects.get().error == ""
    assert process_batch() == 1
    assert Detection.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_workers_do_every_crop_once(eyes: Eyes, submit: Submit) -> None:
    for number in range(24):
        submit(eyes.picture_of(number), track="t")

    def work() -> int:
        return sum(iter(lambda: process_batch(limit=4), 0))

    assert sum(run_together(*[work] * 4)) == Detection.objects.count() == 24
    assert Track.objects.get().detection_count == 24
    assert set(Crop.objects.values_list("state", "attempts")) == {(Crop.State.DONE, 1)}
    assert set(Job.objects.values_list("state", flat=True)) == {Job.State.SUCCEEDED}


@pytest.mark.django_db(transaction=True)
def test_a_slow_worker_that_lives_keeps_its_crops(eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processing, "LEASE", timedelta(seconds=0.4))
    submit(eyes.picture_of(1))
    seen = []

    def take_long() -> None:
        first = Crop.objects.get().due_at
        wait_until(lambda: Crop.objects.get().due_at > first + 2 * processing.LEASE, "a renewal")
        seen.append(process_batch())

    during_analysis(monkeypatch, eyes, take_long)
    assert process_batch() == 1
    assert seen == [0]
    assert (Crop.objects.get().state, Detection.objects.count()) == (Crop.State.DONE, 1)


def test_a_lease_is_renewed_again_over_a_new_connection(db: None) -> None:
    renewed = []

    def renew() -> None:
        renewed.append(1)
        if len(renewed) == 1:
            raise InterfaceError("connection already closed")

    with leases.renewed(renew, timedelta(seconds=0.1)):
        wait_until(lambda: len(renewed) > 1, "a second renewal")


@pytest.mark.skipif(connection.vendor == "sqlite", reason="has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_crops_of_a_track_are_accepted_while_a_worker_writes_of_it(
    eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else those who send and those who work wait for each other, in a circle at last."""
    decide, accepted = tracking.decide, []

    def send() -> Receipt:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '3s'")
        return submit(eyes.picture_of(1), track="t")

    def decide_slowly(*arguments: object) -> dict:
        if connection.in_atomic_block and Track.objects.exists() and not accepted:
            accepted.extend(run_together(send)[0].accepted)
        return decide(*arguments)

    submit(eyes.picture_of(1), track="t")
    monkeypatch.setattr(tracking, "decide", decide_slowly)
    monkeypatch.setattr(recording, "_lock_people", lambda *_: {})
    process_batch()
    assert len(accepted) == 1


def test_a_worker_that_is_to_stop_puts_back_what_it_has_not_begun(
    db: None, eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "_portions", lambda crops: ([crop] for crop in crops))
    for seed in range(3):
        submit(eyes.picture_of(seed))
    during_analysis(monkeypatch, eyes, lambda: monkeypatch.setattr(stopping, "is_asked", lambda: True))
    process_batch()
    rows = sorted(Crop.objects.values_list("state", "attempts", "claim"))
    assert rows == [(Crop.State.DONE, 1, None)] + [(Crop.State.PENDING, 0, None)] * 2
    assert Crop.objects.due().count() == 2


@pytest.mark.parametrize("error", [OperationalError("server closed the connection"), InterfaceError("closed")])
def test_a_database_that_fails_uses_up_no_attempt(
    db: None, eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail() -> None:
        raise error

    submit(eyes.picture_of(1))
    submit(eyes.picture_of(2))
    during_analysis(monkeypatch, eyes, fail)
    with pytest.raises(type(error)):
        process_batch()
    assert set(Crop.objects.values_list("state", "attempts", "claim")) == {(Crop.State.PENDING, 0, None)}
    assert process_batch() == 2


def test_what_a_time_limit_cuts_off_was_an_attempt(
    db: None, eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery ends a child that hangs with SIGTERM first, which Python raises where it hangs. Were the crop put back as
    if nothing had been, it would hang every worker, one after the other, for ever.
    """
    submit(eyes.picture_of(1))
    during_analysis(monkeypatch, eyes, sys.exit)
    with pytest.raises(SystemExit):
        process_batch()
    crop = Crop.objects.get()
    assert (crop.state, crop.attempts) == (Crop.State.PENDING, 1)
    assert not Crop.objects.due().exists(), "others take it only when the lease has run out"

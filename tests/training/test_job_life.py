"""A training job: requested once, held by one worker at a time under a lease, and always ended with a clear text."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.utils import timezone

from people import tasks
from recognition import jobs, stopping, wakeup
from recognition.engine.errors import PackError
from recognition.models import Job
from tests.fabricated import run_together
from tests.servers import wait_until

Kind, State = Job.Kind, Job.State

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Job:
    return jobs.request(Kind.TRAIN)


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr(wakeup, "wake", lambda *message: sent.append(message))
    return sent


def lose_worker(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def reload(job: Job) -> Job:
    job.refresh_from_db()
    return job


def test_asking_twice_queues_once(job: Job) -> None:
    assert jobs.request(Kind.TRAIN) == job
    assert jobs.request(Kind.GENERATE_EMB) != job


def test_asking_while_one_runs_queues_another_for_what_changed_since(job: Job) -> None:
    jobs.claim(job.pk)
    assert jobs.request(Kind.TRAIN) != job


def test_progress_is_recorded_while_it_works(job: Job) -> None:
    def work(claimed: Job) -> None:
        jobs.advance(claimed, "Half way.", 5, 10)
        now = Job.objects.get(pk=job.pk)
        assert (now.state, now.progress, now.message) == (State.RUNNING, 0.5, "Half way.")

    jobs.run(job.pk, work)
    assert (reload(job).state, job.progress, job.message) == (State.SUCCEEDED, 1.0, "Half way.")
    assert job.finished_at


def test_of_two_claims_one_wins(job: Job) -> None:
    assert jobs.claim(job.pk)
    assert jobs.claim(job.pk) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_woken_for_the_same_job_one_works() -> None:
    job = jobs.request(Kind.TRAIN)
    worked = []
    run_together(*[lambda: jobs.run(job.pk, lambda _: worked.append(1))] * 8)
    assert worked == [1]


def test_one_training_job_runs_at_a_time(job: Job) -> None:
    other = jobs.request(Kind.GENERATE_EMB)
    jobs.claim(job.pk)
    assert jobs.claim(other.pk) is None
    assert not jobs.due().exists()


def test_a_worker_woken_for_a_job_it_cannot_have_wakes_nobody_else(job: Job, woken: list) -> None:
    other = jobs.request(Kind.GENERATE_EMB)
    jobs.claim(job.pk)
    tasks.run_training_job(str(other.pk))
    assert woken == []


def test_the_worker_that_ends_one_job_wakes_for_the_next(job: Job, woken: list, monkeypatch: object) -> None:
    other = jobs.request(Kind.GENERATE_EMB)
    monkeypatch.setattr(tasks, "perform", lambda _: None)
    tasks.run_training_job(str(job.pk))
    assert woken == [(wakeup.TRAINING, str(other.pk))]


def test_the_sweeper_wakes_for_a_job_whose_worker_was_lost(job: Job, woken: list) -> None:
    jobs.claim(job.pk)
    tasks.sweep_jobs()
    assert woken == []
    lose_worker(job)
    tasks.sweep_jobs()
    assert woken == [(wakeup.TRAINING, str(job.pk))]


def test_a_worker_that_lost_its_lease_has_no_effect_any_more(job: Job) -> None:
    slow = jobs.claim(job.pk)
    lose_worker(job)
    second = jobs.claim(job.pk)
    with pytest.raises(jobs.LeaseLostError):
        jobs.advance(slow, "Still here.", 1, 1)
    jobs.advance(second, "Mine now.", 0, 2)
    assert reload(job).message == "Mine now."


def test_the_result_of_a_lost_lease_is_dropped(job: Job) -> None:
    def outlive_the_lease(claimed: Job) -> None:
        lose_worker(job)
        assert jobs.claim(job.pk)

    jobs.run(job.pk, outlive_the_lease)
    assert (reload(job).state, job.attempts, job.finished_at) == (State.RUNNING, 2, None)


def test_three_lost_workers_end_the_job_with_a_clear_text(job: Job) -> None:
    for _ in range(3):
        assert jobs.claim(job.pk)
        lose_worker(job)
    assert jobs.claim(job.pk) is None
    assert reload(job).state == State.FAILED
    assert "lost 3 times" in job.message
    assert not jobs.due().exists()


def test_a_stuck_job_that_is_released_waits_again_and_its_worker_is_out(job: Job) -> None:
    stuck = jobs.claim(job.pk)
    assert jobs.release_stuck() == [job]
    assert reload(job).state == State.QUEUED
    with pytest.raises(jobs.LeaseLostError):
        jobs.advance(stuck, "Back again.", 1, 1)
    fresh = jobs.claim(job.pk)
    with pytest.raises(jobs.LeaseLostError):
        jobs.advance(stuck, "Back again.", 1, 1)
    jobs.advance(fresh, "Working.", 1, 1)


def test_a_job_released_on_its_last_attempt_is_run_not_stuck_for_ever(job: Job) -> None:
    for _ in range(3):
        lose_worker(jobs.claim(job.pk))
    jobs.release_stuck()
    jobs.run(job.pk, lambda _: None)
    assert reload(job).state == State.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_a_job_that_ends_while_it_is_to_be_released_stays_as_it_ended() -> None:
    job, ended = jobs.claim(jobs.request(Kind.TRAIN).pk), threading.Event()

    def end() -> None:
        with transaction.atomic():
            jobs._finish(job, State.SUCCEEDED, "Done.")
            ended.set()
            time.sleep(0.3)

    def release() -> list[Job]:
        assert ended.wait(10)
        return jobs.release_stuck()

    assert run_together(end, release) == [None, []]
    assert (reload(job).state, job.message) == (State.SUCCEEDED, "Done.")


def test_releasing_when_nothing_is_stuck_does_nothing(job: Job) -> None:
    assert jobs.release_stuck() == []
    assert reload(job).state == State.QUEUED


def fail_with(error: Exception) -> Callable[[Job], None]:
    def work(_: Job) -> None:
        raise error

    return work


def test_a_job_that_cannot_succeed_says_what_to_do(job: Job) -> None:
    jobs.run(job.pk, fail_with(jobs.JobError("Add photos first.")))
    assert (reload(job).state, job.message) == (State.FAILED, "Add photos first.")


def fail_three_times(job: Job, error: Exception) -> None:
    for _ in range(jobs.MAX_ATTEMPTS):
        jobs.run(job.pk, fail_with(error))
        lose_worker(job)


def test_an_unexpected_error_is_tried_again_after_a_while(job: Job) -> None:
    jobs.run(job.pk, fail_with(RuntimeError()))
    assert "attempt 1 of 3" in reload(job).message
    assert not jobs.due().exists()
    lose_worker(job)
    jobs.run(job.pk, lambda _: None)
    assert (reload(job).state, job.attempts) == (State.SUCCEEDED, 2)


def test_an_unexpected_error_fails_the_job_at_the_third_time_without_telling_its_secrets(job: Job) -> None:
    fail_three_times(job, RuntimeError("secret path /var/x"))
    assert reload(job).state == State.FAILED
    assert "3 internal errors" in job.message
    assert "secret" not in job.message
    assert not jobs.due().exists()


def test_a_missing_pack_fails_the_job_and_says_how_to_build_it(job: Job) -> None:
    jobs.run(job.pk, fail_with(PackError("Build it with …")))
    assert (reload(job).state, job.message) == (State.FAILED, "Build it with …")


def test_a_job_that_takes_longer_than_its_limit_fails(job: Job) -> None:
    jobs.run(job.pk, fail_with(SoftTimeLimitExceeded()))
    assert (reload(job).state, job.message) == (State.FAILED, "Stopped after 24 hours.")


def test_a_job_that_was_given_up_can_be_run_again(job: Job) -> None:
    fail_three_times(job, RuntimeError())
    assert jobs.requeue([job]) == [job]
    assert (reload(job).state, job.attempts, job.finished_at) == (State.QUEUED, 0, None)
    jobs.run(job.pk, lambda _: None)
    assert reload(job).state == State.SUCCEEDED


def test_only_training_jobs_that_failed_can_be_run_again(job: Job) -> None:
    crops = Job.objects.create(kind=Kind.RECOGNISE, state=State.FAILED)
    assert jobs.requeue([job, crops]) == []
    jobs.claim(job.pk)
    assert jobs.requeue([job]) == []


def test_a_worker_that_is_to_stop_leaves_the_job_to_another_with_all_its_attempts(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "is_asked", lambda: True)
    jobs.run(job.pk, lambda claimed: jobs.advance(claimed, "Half way.", 5, 10))
    assert (reload(job).state, job.attempts, job.lease_expires_at) == (State.QUEUED, 0, None)
    assert jobs.due().get() == job


def test_what_is_finished_counts_although_the_worker_is_to_stop(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "is_asked", lambda: True)
    jobs.run(job.pk, lambda claimed: jobs.advance(claimed, "All of it.", 10, 10))
    assert reload(job).state == State.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_a_long_silence_costs_no_living_worker_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=0.4))
    job = jobs.request(Kind.TRAIN)
    stolen = []

    def think(_: Job) -> None:
        wait_until(lambda: reload(job).lease_expires_at > job.started_at + 2 * jobs.LEASE, "a renewal")
        stolen.append(jobs.claim(job.pk))

    jobs.run(job.pk, think)
    assert stolen == [None]
    assert reload(job).state == State.SUCCEEDED


def test_a_failed_job_does_not_stand_in_the_way_of_the_next(job: Job) -> None:
    jobs.run(job.pk, fail_with(jobs.JobError()))
    again = jobs.request(Kind.TRAIN)
    assert again != job
    jobs.run(again.pk, lambda _: None)
    assert reload(again).state == State.SUCCEEDED


def test_a_job_that_is_over_or_gone_is_not_run() -> None:
    over = Job.objects.create(kind=Kind.TRAIN, state=State.SUCCEEDED)
    for pk in (over.pk, uuid4()):
        jobs.run(pk, fail_with(AssertionError("ran")))
    assert reload(over).state == State.SUCCEEDED

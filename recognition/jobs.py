"""The life of a long job, which trains or imports: requested once, claimed under a lease, finished or failed.

One long job runs at a time. Claims are serialised by a row lock, so two workers woken for the same job cannot both
have it; a worker that dies loses its lease, which runs on the database's clock, and the sweeper wakes another. What
fails for a reason that may pass is tried three times; what was given up can be requeued.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Exists, F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from recognition import leases, stopping
from recognition.engine.errors import PackError
from recognition.models import ActiveModel, Job, TrainedModel
from recognition.storage import StorageUnavailableError

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=1)
RETRY_DELAY = timedelta(minutes=1)
MAX_ATTEMPTS = 3
TIME_LIMIT_S = 24 * 3600
ALL_DONE = "All crops are processed."
SOME_FAILED = "All crops are done with; some could not be processed."
_COUNT_DONE = """
UPDATE recognition_job SET done = done + %(done)s, failed = failed + %(failed)s,
    state = CASE WHEN total <= done + %(done)s THEN 'succeeded' ELSE 'running' END,
    finished_at = CASE WHEN total <= done + %(done)s THEN %(now)s END,
    message = CASE WHEN total > done + %(done)s THEN '' WHEN failed + %(failed)s > 0 THEN %(some_failed)s
        ELSE %(all_done)s END
WHERE id = %(id)s
"""


class JobError(Exception):
    """The job cannot succeed as things are; the text tells the operator what to do."""


class StoppedError(Exception):
    """The worker is to stop: leave the job to another one."""


class LeaseLostError(Exception):
    """Somebody else has the job now, or released it: stop without a result."""


def request(kind: Job.Kind, user: User | None = None) -> Job:
    """A queued job of this kind: the one already waiting if there is one, else a new one."""
    with transaction.atomic():
        ActiveModel.locked()
        waiting = Job.objects.filter(kind=kind, state=Job.State.QUEUED).first()
        return waiting or Job.objects.create(kind=kind, requested_by=user, message="Waiting for a worker.")


def add(kind: Job.Kind, user: User | None, *, total: int) -> Job:
    """A queued job of its own, for so many steps."""
    return Job.objects.create(kind=kind, requested_by=user, total=total, message="Waiting for a worker.")


def requeue(given_up: Iterable[Job]) -> list[Job]:
    """Give long jobs that failed another three attempts; returns which."""
    with transaction.atomic():
        ActiveModel.locked()
        chosen = Job.objects.filter(pk__in=[job.pk for job in given_up], kind__in=Job.LONG, state=Job.State.FAILED)
        revived = list(chosen)
        chosen.update(
            state=Job.State.QUEUED, attempts=0, done=0, failed=0, finished_at=None, message="Waiting for a worker."
        )
    return revived


def due() -> QuerySet[Job]:
    """Long jobs that wait or whose worker is gone, oldest first; none while one is at work under its lease."""
    long = Job.objects.filter(kind__in=Job.LONG)
    at_work = long.filter(state=Job.State.RUNNING, lease_expires_at__gte=Now())
    abandoned = Q(state=Job.State.RUNNING, lease_expires_at__lt=Now())
    return long.filter(~Exists(at_work), Q(state=Job.State.QUEUED) | abandoned).order_by("created_at")


def claim(job_id: UUID) -> Job | None:
    """Take the job, or None if it is over, not due, or another long job holds the lease."""
    with transaction.atomic():
        ActiveModel.locked()
        job = due().filter(pk=job_id).first()
        if job is None:
            return None
        if job.attempts >= MAX_ATTEMPTS:
            _finish(job, Job.State.FAILED, f"Given up: the worker was lost {job.attempts} times. See its log.")
            return None
        job.state, job.attempts = Job.State.RUNNING, job.attempts + 1
        job.started_at, job.lease_expires_at = timezone.now(), Now() + LEASE
        job.done = job.failed = 0
        job.save()
        return job


def run(job_id: UUID, work: Callable[[Job], TrainedModel | None]) -> None:
    """Claim the job, do `work`, and record how it ended. Does nothing if the job is not to be had."""
    job = claim(job_id)
    if job is None:
        return
    try:
        with leases.renewed(lambda: _held(job).update(lease_expires_at=Now() + LEASE), LEASE):
            job.model = work(job)
    except LeaseLostError:
        logger.warning("job %s: lease lost, result dropped", job.pk)
    except StoppedError:
        _held(job).update(
            state=Job.State.QUEUED,
            attempts=F("attempts") - 1,
            lease_expires_at=None,
            message="Its worker was stopped; waiting for another.",
        )
    except StorageUnavailableError as error:
        # Not the job's fault: it waits for storage however long that is away.
        _held(job).update(
            attempts=F("attempts") - 1,
            lease_expires_at=Now() + RETRY_DELAY,
            message=f"{error} It is tried again soon.",
        )
    except (JobError, PackError) as error:
        _finish(job, Job.State.FAILED, str(error))
    except SoftTimeLimitExceeded:
        _finish(job, Job.State.FAILED, f"Stopped after {TIME_LIMIT_S // 3600} hours.")
    except Exception:
        logger.exception("job %s failed, attempt %s", job.pk, job.attempts)
        _try_again(job)
    else:
        _finish(job, Job.State.SUCCEEDED, job.message)


def advance(job: Job, message: str, done: int, total: int) -> None:
    """Record progress and renew the lease.

    Raises:
        LeaseLostError: the lease was released or taken over.
        StoppedError: the worker is to stop, and there is more to do.
    """
    if stopping.is_asked() and done < total:
        raise StoppedError
    job.message, job.done, job.total = message, done, total
    renewed = _held(job).update(message=message, done=done, total=total, lease_expires_at=Now() + LEASE)
    if not renewed:
        raise LeaseLostError


def require_held(job: Job) -> None:
    """To be called where `ActiveModel` is locked: nobody else can claim the job until that transaction is over.

    Raises:
        LeaseLostError: as `advance` does.
    """
    if not _held(job).exists():
        raise LeaseLostError


def release_stuck() -> list[Job]:
    """Free the lease whoever holds it, and return the jobs that are back in the queue."""
    with transaction.atomic():
        ActiveModel.locked()
        # Locked: whoever holds it may end it just now.
        stuck = Job.objects.select_for_update().filter(kind__in=Job.LONG, state=Job.State.RUNNING)
        released = Job.objects.filter(pk__in=[job.pk for job in stuck])
        released.update(
            state=Job.State.QUEUED,
            lease_expires_at=None,
            attempts=0,
            message="Released by an administrator; waiting for a worker.",
        )
        return list(released)


def count_done(job_id: UUID, done: int, failed: int) -> None:
    """Count finished steps of a job that many workers share, closing it with the last one."""
    # Workers do this after every batch: the ORM takes longer to write such a statement than all the rest of it takes.
    values = {
        "id": job_id.hex,
        "done": done,
        "failed": failed,
        "now": connection.ops.adapt_datetimefield_value(timezone.now()),
        "all_done": ALL_DONE,
        "some_failed": SOME_FAILED,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_DONE, values)


def _held(job: Job) -> QuerySet[Job]:
    """The job's row, if it is still in the hands of the claim that `job` was returned by."""
    return Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, started_at=job.started_at)


def _try_again(job: Job) -> None:
    """Leave it with a lease that nobody renews: a database or storage that fails now may be back when that runs out."""
    if job.attempts >= MAX_ATTEMPTS:
        _finish(job, Job.State.FAILED, f"Given up after {job.attempts} internal errors; the worker's log says why.")
    else:
        message = f"An internal error stopped attempt {job.attempts} of {MAX_ATTEMPTS}; the next one follows soon."
        _held(job).update(message=message, lease_expires_at=Now() + RETRY_DELAY)


def _finish(job: Job, state: Job.State, message: str) -> None:
    values = {"state": state, "message": message[:500], "finished_at": timezone.now(), "lease_expires_at": None}
    if state == Job.State.SUCCEEDED:
        values |= {"model": job.model, "done": job.total}
    _held(job).update(**values)

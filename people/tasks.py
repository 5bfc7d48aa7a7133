"""Celery shells around training. Messages carry ids only; the job row holds the work."""

from celery import shared_task

from people.training import perform
from recognition import jobs, wakeup


@shared_task(soft_time_limit=jobs.TIME_LIMIT_S, time_limit=jobs.TIME_LIMIT_S + 60)
def run_training_job(job_id: str) -> None:
    jobs.run(job_id, perform)
    sweep_jobs()


@shared_task
def sweep_jobs() -> None:
    """Wake a worker for the oldest training job that is due."""
    job = jobs.due().first()
    if job:
        wakeup.wake(wakeup.TRAINING, str(job.pk))

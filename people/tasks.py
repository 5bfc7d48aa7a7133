"""Celery shells around training and imports. Messages carry ids only; the job row holds the work."""

from celery import shared_task

from people import training
from people.importing import performing
from recognition import jobs, wakeup
from recognition.models import Job, TrainedModel


@shared_task(soft_time_limit=jobs.TIME_LIMIT_S, time_limit=jobs.TIME_LIMIT_S + 60)
def run_training_job(job_id: str) -> None:
    jobs.run(job_id, perform)
    sweep_jobs()


def perform(job: Job) -> TrainedModel | None:
    """Whatever a long job's kind asks."""
    return performing.perform(job) if job.kind == Job.Kind.IMPORT_PHOTOS else training.perform(job)


@shared_task
def sweep_jobs() -> None:
    """Wake a worker for the oldest long job that is due."""
    job = jobs.due().first()
    if job:
        wakeup.wake(wakeup.TRAINING, str(job.pk))

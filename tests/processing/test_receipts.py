"""When the work is done the image goes; the row stays as a receipt, and the job counts."""

from collections.abc import Callable
from uuid import UUID

import pytest

from detections.ingest import Submission, accept, cameras_of
from detections.models import Crop
from detections.processing import process_batch
from recognition.models import Job
from tests.fabricated import NOON, Eyes, make_camera

pytestmark = pytest.mark.django_db


def test_a_finished_crop_keeps_its_row_but_not_its_image(eyes: Eyes, submit: Callable[..., object]) -> None:
    submit(eyes.picture_of(1))
    process_batch()
    crop = Crop.objects.get()
    assert (crop.state, crop.image, crop.claim, crop.error) == (Crop.State.DONE, None, None, "")
    assert len(crop.sha256) == 64


def test_a_job_counts_its_crops_and_ends_with_the_last(eyes: Eyes, operator_user: object) -> None:
    make_camera()
    crops = [Submission(UUID(int=number), "gate", NOON, eyes.picture_of(number)) for number in range(5)]
    job = accept(crops, cameras_of(operator_user).in_bulk()).job
    process_batch(limit=2)
    job.refresh_from_db()
    assert (job.state, job.done, job.progress, job.finished_at) == (Job.State.RUNNING, 2, 0.4, None)
    while process_batch(limit=2):
        pass
    job.refresh_from_db()
    assert (job.state, job.done, job.failed, job.progress) == (Job.State.SUCCEEDED, 5, 0, 1.0)
    assert job.finished_at


def test_an_empty_inbox_is_no_work(db: None) -> None:
    assert process_batch() == 0


def test_a_batch_may_hold_crops_of_several_jobs(eyes: Eyes, submit: Callable[..., object]) -> None:
    for seed in range(3):
        submit(eyes.picture_of(seed))
    assert process_batch() == 3
    assert set(Job.objects.values_list("state", "done")) == {(Job.State.SUCCEEDED, 1)}

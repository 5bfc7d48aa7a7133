"""What has been kept long enough is forgotten; what is still needed is not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db.models import QuerySet
from django.utils import timezone

from detections import retention
from detections.models import Crop, Detection, FaceImage, LastSeen, Track
from detections.processing import process_batch, requeue
from detections.retention import apply_retention
from people import orphans
from people.models import Tombstone
from people.training import train
from recognition.models import Job, TrainedModel
from tests.fabricated import Eyes, enrol, plain_png

Submit = Callable[..., object]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


def days_ago(days: float) -> object:
    return timezone.now() - timedelta(days=days)


@pytest.fixture(autouse=True)
def _limits(settings: object) -> None:
    settings.RETENTION_DAYS, settings.RECEIPT_DAYS = 90, 7


def test_old_detections_go_with_their_images_and_tracks(eyes: Eyes, submit: Submit) -> None:
    enrol("ada", 1)
    train()
    submit(eyes.picture_of(1), track="old", captured_at=days_ago(91))
    submit(eyes.picture_of(1), track="new", captured_at=days_ago(89))
    process_batch()
    removed = apply_retention()
    assert (removed["detections"], removed["tracks"]) == (1, 1)
    assert Track.objects.get().key == "new"
    assert Detection.objects.count() == FaceImage.objects.count() == 1


def test_the_last_known_location_outlives_its_detection(eyes: Eyes, submit: Submit) -> None:
    enrol("ada", 1)
    train()
    submit(eyes.picture_of(1), captured_at=days_ago(91))
    process_batch()
    apply_retention()
    assert LastSeen.objects.get().detection is None


def test_receipts_and_ended_jobs_go_and_waiting_crops_stay(eyes: Eyes, submit: Submit) -> None:
    submit(eyes.picture_of(1))
    process_batch()
    waiting = submit(plain_png(7)).accepted[0]
    Crop.objects.update(received_at=days_ago(8))
    Job.objects.filter(finished_at__isnull=False).update(finished_at=days_ago(8))
    removed = apply_retention()
    assert (removed["crops"], removed["jobs"]) == (1, 1)
    assert Crop.objects.get().pk == waiting


def test_a_crop_that_is_tried_again_after_a_week_is_not_taken_away(eyes: Eyes, submit: Submit) -> None:
    submit(eyes.picture_of(1))
    process_batch()
    Crop.objects.update(state=Crop.State.DEAD, image=b"x", received_at=days_ago(8))
    Job.objects.update(finished_at=days_ago(8), failed=1)
    requeue(Crop.objects.all())
    apply_retention()
    assert Crop.objects.get().state == Crop.State.PENDING


def test_an_old_track_with_a_crop_still_waiting_stays(eyes: Eyes, submit: Submit) -> None:
    submit(eyes.picture_of(1), track="t", captured_at=days_ago(91))
    apply_retention()
    assert Crop.objects.count() == Track.objects.count() == 1


def test_a_crop_that_comes_for_an_old_track_just_then_is_not_taken_with_it(
    eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(eyes.picture_of(1), track="t", captured_at=days_ago(91))
    process_batch()
    delete, came = QuerySet.delete, []

    def delete_late(chosen: QuerySet) -> tuple[int, dict[str, int]]:
        if chosen.model is Track and not came:
            came.extend(submit(eyes.picture_of(1), track="t", captured_at=days_ago(91)).accepted)
        return delete(chosen)

    monkeypatch.setattr(QuerySet, "delete", delete_late)
    apply_retention()
    assert Crop.objects.filter(pk__in=came, state=Crop.State.PENDING).exists()


def test_more_than_one_chunk_goes(eyes: Eyes, submit: Submit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    for seed in range(5):
        submit(eyes.picture_of(seed), captured_at=days_ago(91))
    process_batch()
    assert apply_retention()["detections"] == 5
    assert not Detection.objects.exists()


def test_the_artifact_of_a_retired_model_that_a_crash_left_goes(storage: Path) -> None:
    enrol("ada", 1)
    trained = train()
    enrol("grace", 2)
    serving = train()
    TrainedModel.objects.filter(pk=trained.pk).update(retired_at=timezone.now())
    apply_retention()
    assert [path.name for path in (storage / "models").iterdir()] == [Path(serving.storage_name).name]


def test_an_artifact_that_a_crash_left_behind_goes_and_those_of_live_models_stay(storage: Path) -> None:
    enrol("ada", 1)
    kept = train()
    stray = storage / "models" / "0123abcd.safetensors"
    stray.write_bytes(b"written, then the process died before it could commit")
    assert apply_retention()["artifacts"] == 1
    assert not stray.exists()
    assert (storage / kept.storage_name).exists()


def test_tombstones_are_stored_before_orphans_are_looked_for(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among very many people that can take longer than a task may."""
    Tombstone.objects.create(digest="0" * 32)

    def hang(**_: object) -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(orphans, "collect", hang)
    with pytest.raises(SoftTimeLimitExceeded):
        apply_retention()
    assert (storage / "tombstones" / ("0" * 32)).exists()


@pytest.mark.parametrize("every", [timedelta(hours=1), timedelta(days=1)], ids=["always on", "on for an hour a day"])
def test_all_folders_of_people_have_their_turn(
    storage: Path, monkeypatch: pytest.MonkeyPatch, every: timedelta
) -> None:
    looked = []
    monkeypatch.setattr(orphans, "collect", lambda **how: looked.append(how))
    for number in range(orphans.TURNS):
        moment = datetime(2026, 11, 26, 9, 30, tzinfo=UTC) + number * every
        monkeypatch.setattr(timezone, "now", lambda moment=moment: moment)
        apply_retention()
    assert sorted(how["turn"] for how in looked) == list(range(orphans.TURNS))


def test_the_job_of_crops_that_went_with_somebody_long_ago_is_closed_and_goes(eyes: Eyes, submit: Submit) -> None:
    submit(eyes.picture_of(1))
    Crop.objects.all().delete()
    apply_retention()
    job = Job.objects.get()
    assert (job.state, job.done) == (Job.State.SUCCEEDED, 1)
    Job.objects.update(finished_at=days_ago(8))
    assert apply_retention()["jobs"] == 1

"""The list of people says when the model in service is behind, and trains it at a button."""

from collections.abc import Callable
from datetime import date

import pytest
from django.test import Client

from people import lookalikes, training
from people.models import Person, Photo
from people.training import fit_gallery, train
from recognition import publishing, wakeup
from recognition.engine.artifact import Model
from recognition.engine.packs import Pack
from recognition.loader import pipeline
from recognition.models import Job
from tests.fabricated import direction, enrol, make_person
from tests.web.sightings import put_in_service, text

LIST = "/admin/people/person/"
CHANGED = "People or photos have changed"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


def is_behind(operator: Client) -> bool:
    return CHANGED in text(operator.get(LIST))


def test_nothing_needs_training_where_there_are_no_photos(operator: Client) -> None:
    make_person("ada")
    assert not is_behind(operator)


def test_photos_without_a_model_need_training(operator: Client, pack: Pack) -> None:
    enrol("ada", seed=1)
    assert is_behind(operator)


def correct() -> None:
    lookalikes.record(Person.objects.first(), pipeline().pack_id, direction(7).tobytes(), shown=None)


@pytest.mark.parametrize(
    "change",
    [
        lambda: enrol("grace", seed=2),
        lambda: Photo.objects.first().delete(),
        lambda: Person.objects.update(legal_basis_expires=date(2026, 2, 1)),
        lambda: Person.objects.first().delete(),
        correct,
    ],
    ids=["added", "photo deleted", "expired", "erased", "corrected"],
)
def test_a_change_after_training_is_said(operator: Client, pack: Pack, change: Callable[[], object]) -> None:
    enrol("ada", seed=1)
    enrol("marie", seed=3)
    train()
    assert not is_behind(operator)
    change()
    assert is_behind(operator)
    train()
    assert not is_behind(operator)


def test_a_correction_during_the_training_is_said(
    operator: Client, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit_slowly(**options: object) -> Model:
        fitted = fit_gallery(**options)
        correct()
        return fitted

    enrol("ada", seed=1)
    monkeypatch.setattr(training, "fit_gallery", fit_slowly)
    train()
    assert is_behind(operator)


def test_a_correction_that_the_model_gone_back_to_does_not_know_is_said(operator: Client, pack: Pack) -> None:
    enrol("ada", seed=1)
    former = train()
    correct()
    train()
    assert not is_behind(operator)
    publishing.activate(former)
    assert is_behind(operator)


def test_the_button_queues_one_job_and_wakes_a_worker(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    woken = []
    monkeypatch.setattr(wakeup, "wake", lambda *message: woken.append(message))
    for _ in range(2):
        operator.post(f"{LIST}train/")
    job = Job.objects.get()
    assert (job.kind, job.state) == (Job.Kind.OPTIMIZED_TRAIN, Job.State.QUEUED)
    assert woken == [(wakeup.TRAINING, str(job.pk))] * 2
    assert "Training: Waiting for a worker." in text(operator.get(LIST))


def test_following_a_link_trains_nothing(operator: Client) -> None:
    assert operator.get(f"{LIST}train/").status_code == 405
    assert not Job.objects.exists()


def test_a_failed_training_says_why(operator: Client) -> None:
    put_in_service()
    Job.objects.create(kind=Job.Kind.TRAIN, state=Job.State.FAILED, message="People were erased meanwhile.")
    assert "The last training failed: People were erased meanwhile." in text(operator.get(LIST))


def test_a_failed_job_is_run_again_at_a_button(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    woken = []
    monkeypatch.setattr(wakeup, "wake", lambda *message: woken.append(message))
    job = Job.objects.create(kind=Job.Kind.TRAIN, state=Job.State.FAILED, attempts=3, message="Given up.")
    assert "Given up." in text(operator.get("/admin/recognition/job/"))
    form = {"action": "requeue", "_selected_action": [str(job.pk)]}
    answer = operator.post("/admin/recognition/job/", form, follow=True)
    assert "1 of 1 jobs wait again" in text(answer)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (Job.State.QUEUED, 0)
    assert woken == [(wakeup.TRAINING, str(job.pk))]

"""The page of the model: what it expects of itself, what another false-alarm rate would change, and the way back."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from access.models import AuditEntry
from access.roles import Role
from detections.models import Detection
from people.tasks import run_training_job
from people.training import RATES, train
from recognition import publishing, wakeup
from recognition.engine.packs import Pack
from recognition.loader import loader
from recognition.models import ActiveModel, Job, TrainedModel
from tests.fabricated import enrol, fresh_loader, make_person
from tests.web.sightings import detect, put_in_service, text

__all__ = ["fresh_loader"]

PAGE = "/model/"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


@pytest.fixture
def trained(pack: Pack) -> TrainedModel:
    for seed in range(1, 5):
        enrol(f"person {seed}", seed=seed)
    return train()


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    messages = []
    monkeypatch.setattr(wakeup, "wake", lambda *message: messages.append(message))
    return messages


def step_of(rate: float) -> str:
    return str(RATES.index(rate))


def certainty(trained: TrainedModel, rate: float) -> float:
    return next(one["certainty"] for one in trained.trade_offs if one["false_alarm_rate"] == rate)


def test_training_records_what_every_rate_would_mean(trained: TrainedModel) -> None:
    offered = trained.trade_offs
    assert [one["false_alarm_rate"] for one in offered] == list(RATES)
    thresholds, certainties = ([one[name] for one in offered] for name in ("threshold", "certainty"))
    assert thresholds == sorted(thresholds, reverse=True)
    assert certainties == sorted(certainties, reverse=True)
    present = offered[RATES.index(trained.false_alarm_rate)]
    assert (present["threshold"], present["expected_miss_rate"]) == (trained.threshold, trained.expected_miss_rate)


def test_the_page_says_what_serves_and_what_would_make_it_better(viewer: Client, trained: TrainedModel) -> None:
    make_person("without photos")
    enrol("one photo", seed=9, photos=1)
    page = text(viewer.get(PAGE))
    for words in (
        f"Model {trained.pk} <small>generation 1",
        "1 in 1,000",
        "People or photos have changed",
        "1 person has no accepted photo",
        "1 person has one photo only",
    ):
        assert words in page
    for button in ("Train</button>", "Apply", "Put in service"):
        assert button not in page


def test_without_a_model_the_page_says_what_is_missing(operator: Client) -> None:
    assert "No model is in service" in text(operator.get(PAGE))


def test_the_effect_of_another_rate_is_shown_before_anything_changes(viewer: Client, trained: TrainedModel) -> None:
    strict, present, loose = (certainty(trained, rate) for rate in (1e-5, 1e-3, 0.1))
    ada, (low, high) = make_person("ada"), (sorted(((strict + present) / 2, 1.0)))
    for probability in (low, high):
        detect(ada, probability=probability)
    detect(None, probability=(present + loose) / 2)
    detect(None, probability=loose / 2)
    detect(None, probability=1.0)  # not for lack of likeness
    Detection.objects.update(model=trained)
    detect(ada, probability=low)  # by another model
    by_hand = [detect(person, probability=1.0).pk for person in (ada, None)]
    Detection.objects.filter(pk__in=by_hand).update(model=trained, corrected_at=timezone.now())

    def said(rate: float) -> str:
        return text(viewer.get(f"{PAGE}effect/?step={step_of(rate)}"))

    assert "Of the 2 newest detections that this model named, <strong>1</strong> would be unknown." in said(1e-5)
    assert "Of the 3 newest that it did not name, <strong>0</strong> would have a name." in said(1e-5)
    assert "<strong>0</strong> would be unknown" in said(0.1)
    assert "<strong>1</strong> would have a name" in said(0.1)
    assert "This is how it is now." in said(1e-3)
    assert "1 in 100,000" in said(1e-5)
    assert "Apply" not in said(0.1), "a viewer changes nothing"
    assert ActiveModel.objects.get().wanted_rate is None


@pytest.mark.parametrize("step", ["13", "-1", "x", "", "²", "000099", "9" * 5000, "1\0"])
def test_a_step_that_there_is_not_is_refused(viewer: Client, trained: TrainedModel, step: str) -> None:
    assert viewer.get(f"{PAGE}effect/", {"step": step}).status_code == 400


def test_a_chosen_rate_is_trained_published_and_kept(
    operator: Client, trained: TrainedModel, settings: object, woken: list
) -> None:
    assert loader.current().model_id == trained.pk
    answer = operator.post(f"{PAGE}rate/", {"model": trained.pk, "step": step_of(0.02)}, follow=True)
    assert "A model with this rate is being trained" in text(answer)
    job = Job.objects.get()
    assert woken == [(wakeup.TRAINING, str(job.pk))]
    assert ActiveModel.objects.get().model == trained, "nothing changes before the new one is complete"
    run_training_job(str(job.pk))
    pointer = ActiveModel.objects.get()
    chosen = next(one for one in trained.trade_offs if one["false_alarm_rate"] == 0.02)
    assert (pointer.model.false_alarm_rate, pointer.model.threshold) == (0.02, chosen["threshold"])
    assert (pointer.generation, pointer.model.people_count) == (2, trained.people_count)
    assert loader.current().classifier.threshold == pytest.approx(chosen["threshold"])
    settings.FALSE_ALARM_RATE = 0.001
    enrol("somebody new", seed=20)
    assert train().false_alarm_rate == 0.02, "the next training keeps the choice"
    entry = AuditEntry.objects.get(kind="false-alarm rate")
    assert (entry.actor, entry.action, entry.details) == (Role.OPERATOR, "choose", {"rate": 0.02})


def test_a_choice_made_before_another_model_came_is_not_taken(operator: Client, trained: TrainedModel) -> None:
    enrol("somebody new", seed=20)
    train()
    answer = operator.post(f"{PAGE}rate/", {"model": trained.pk, "step": "0"}, follow=True)
    assert "Another model has gone into service meanwhile" in text(answer)
    assert not Job.objects.exists()


def test_a_model_from_before_says_that_nothing_can_be_chosen(operator: Client) -> None:
    old = put_in_service()
    assert "trained before other rates were recorded" in text(operator.get(PAGE))
    assert operator.post(f"{PAGE}rate/", {"model": old.pk, "step": "0"}).status_code == 400


def test_training_is_followed_while_it_runs(operator: Client, trained: TrainedModel) -> None:
    operator.post(f"{PAGE}train/")
    assert 'hx-trigger="every 1s"' in text(operator.get(PAGE))
    assert "Waiting for a worker." in text(operator.get(f"{PAGE}progress/"))
    run_training_job(str(Job.objects.get().pk))
    assert operator.get(f"{PAGE}progress/")["HX-Refresh"] == "true"
    assert AuditEntry.objects.filter(kind="training", action="request").count() == 1


def test_a_former_model_is_put_in_service_once_that_is_confirmed(operator: Client, trained: TrainedModel) -> None:
    enrol("somebody new", seed=20)
    newer = train()
    address = f"{PAGE}{trained.pk}/serve/"
    assert address in text(operator.get(PAGE))
    assert f"Put model {trained.pk} in service?" in text(operator.get(address))
    assert ActiveModel.objects.get().model == newer
    answer = operator.post(address, follow=True)
    assert f"Model {trained.pk} is in service as generation 3." in text(answer)
    assert ActiveModel.objects.get().model == trained
    assert AuditEntry.objects.get(action="put in service").subject == str(trained.pk)


def test_a_retired_model_cannot_come_back(operator: Client, trained: TrainedModel) -> None:
    publishing.retire_models_with(trained.labels.values_list("label", flat=True), "a test")
    address = f"{PAGE}{trained.pk}/serve/"
    assert "cannot serve again" in text(operator.get(address))
    assert "was retired" in text(operator.post(address, follow=True))
    assert operator.get(f"{PAGE}99999/serve/").status_code == 404


def test_a_viewer_changes_nothing(visit_as: Callable[[Role], Client], trained: TrainedModel) -> None:
    viewer = visit_as(Role.VIEWER)
    for address in ("train/", "rate/", f"{trained.pk}/serve/"):
        assert viewer.post(f"{PAGE}{address}", {"model": trained.pk, "step": "0"}).status_code == 403
    assert not Job.objects.exists()


def test_old_detections_are_not_counted(viewer: Client, trained: TrainedModel) -> None:
    detect(make_person("ada"), timedelta(days=8), probability=0.1)
    Detection.objects.update(model=trained)
    assert "seen nobody lately" in text(viewer.get(f"{PAGE}effect/?step=0"))

"""A process takes a newly published model between two batches, without a restart."""

import threading

import pytest

from people.training import train
from recognition import loader as loading
from recognition.loader import ModelLoader, loader
from recognition.models import ActiveModel
from tests.fabricated import direction, enrol, run_together
from tests.servers import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


def test_before_the_first_training_everyone_is_unknown() -> None:
    serving = loader.current()
    assert serving.model_id is None
    (identity,) = serving.classifier.identify(direction(1)[None])
    assert identity.label is None


def test_the_next_batch_uses_the_new_generation() -> None:
    enrol("ada", 1)
    first = train()
    assert (loader.current().model_id, loader.current().generation) == (first.pk, 1)
    enrol("grace", 2)
    second = train()
    assert (loader.current().model_id, loader.current().generation) == (second.pk, 2)
    assert len(loader.current().classifier.labels) == 2


def test_whoever_holds_the_old_model_can_finish_with_it() -> None:
    ada = enrol("ada", 1)
    train()
    old = loader.current()
    enrol("grace", 2)
    train()
    loader.current()
    (identity,) = old.classifier.identify(direction(1)[None])
    assert identity.label == ada.label


def test_an_unchanged_generation_costs_one_query(django_assert_num_queries: object) -> None:
    enrol("ada", 1)
    train()
    first = loader.current()
    with django_assert_num_queries(1):
        assert loader.current() is first


def test_a_database_restored_to_an_older_generation_is_followed() -> None:
    enrol("ada", 1)
    first = train()
    enrol("grace", 2)
    train()
    loader.current()
    ActiveModel.objects.update(model=first, generation=1)
    assert loader.current().model_id == first.pk


@pytest.mark.django_db(transaction=True)
def test_others_go_on_with_the_old_model_while_one_thread_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    enrol("ada", 1)
    first = train()
    loader.current()
    enrol("grace", 2)
    second = train()
    loading_now, may_finish = threading.Event(), threading.Event()
    real = loading._load

    def slowly(*call: object) -> object:
        loading_now.set()
        may_finish.wait(10)
        return real(*call)

    monkeypatch.setattr(loading, "_load", slowly)

    def ask_meanwhile() -> int:
        assert loading_now.wait(10)
        try:
            return loader.current().model_id
        finally:
            may_finish.set()

    assert run_together(lambda: loader.current().model_id, ask_meanwhile) == [second.pk, first.pk]
    assert loader.current().model_id == second.pk


@pytest.mark.django_db(transaction=True)
def test_threads_that_identify_while_models_are_published_never_fail() -> None:
    people = [enrol(f"person {seed}", seed, photos=1) for seed in range(8)]
    train()
    shared, stop, seen = ModelLoader(), threading.Event(), {1}

    def identify() -> None:
        last = 0
        while not stop.is_set():
            serving = shared.current()
            assert serving.generation >= last
            last = serving.generation
            seen.add(last)
            (identity,) = serving.classifier.identify(direction(0)[None])
            assert identity.label == people[0].label

    def publish() -> None:
        try:
            for seed in range(20, 26):
                enrol(f"person {seed}", seed, photos=1)
                train()
                wait_until(lambda: ActiveModel.objects.get().generation in seen, "the new generation")
        finally:
            stop.set()

    run_together(identify, identify, identify, identify, publish)
    assert seen == set(range(1, 8))

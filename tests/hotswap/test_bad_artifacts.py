"""A model that cannot be loaded never takes the place of one that serves."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.test import Client
from django.utils import timezone

from people import training
from people.training import fit_gallery, train
from recognition import loader as loading
from recognition import publishing
from recognition.loader import ModelUnavailableError, loader
from recognition.models import TrainedModel
from tests.fabricated import enrol

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + bytes(1000))


@pytest.fixture
def first() -> TrainedModel:
    """The model in service and in memory."""
    enrol("ada", 1)
    trained = train()
    assert loader.current().model_id == trained.pk
    return trained


def retrain(seed: int) -> TrainedModel:
    enrol(f"person {seed}", seed)
    return train()


@pytest.mark.parametrize("spoil", [truncate, flip, empty, lengthen, Path.unlink])
def test_a_damaged_artifact_is_not_taken(
    first: TrainedModel, storage: Path, spoil: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    second = retrain(2)
    spoil(storage / second.storage_name)
    with caplog.at_level(logging.ERROR):
        assert loader.current().model_id == first.pk
    assert "the old model goes on serving" in caplog.text


def test_a_model_of_another_pack_is_not_taken(first: TrainedModel, caplog: pytest.LogCaptureFixture) -> None:
    other = replace(fit_gallery(), pack_id="another@00000000")
    publishing.publish(other, read_at=timezone.now(), still_there=training.all_lawful)
    assert loader.current().model_id == first.pk
    assert "another@00000000" in caplog.text


def test_storage_that_fails_in_its_own_way_does_not_take_the_old_model_away(
    first: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    class EndpointError(Exception):
        """As object storage clients raise: no OSError."""

    def unreachable(*_: object) -> None:
        raise EndpointError

    retrain(2)
    monkeypatch.setattr(FileSystemStorage, "_open", unreachable)
    assert loader.current().model_id == first.pk


def test_the_next_good_model_is_taken(first: TrainedModel, storage: Path) -> None:
    truncate(storage / retrain(2).storage_name)
    loader.current()
    third = retrain(3)
    assert loader.current().model_id == third.pk


def test_a_failed_load_is_tried_again_but_not_with_every_batch(
    first: TrainedModel, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = retrain(2)
    path = storage / second.storage_name
    good = path.read_bytes()
    truncate(path)
    tries = []
    real = loading._load
    monkeypatch.setattr(loading, "_load", lambda *call: (tries.append(1), real(*call))[1])
    for _ in range(5):
        assert loader.current().model_id == first.pk
    assert len(tries) == 1

    path.write_bytes(good)
    monkeypatch.setattr(loading, "RETRY_AFTER_S", 0)
    assert loader.current().model_id == second.pk


def test_a_process_that_starts_with_a_damaged_model_waits_for_a_good_one(first: TrainedModel, storage: Path) -> None:
    """Calling everybody unknown would be a wrong answer that stays."""
    truncate(storage / first.storage_name)
    loader.__init__()
    with pytest.raises(ModelUnavailableError):
        loader.current()
    assert Client().get("/readyz").status_code == 503
    second = retrain(2)
    assert loader.current().model_id == second.pk

"""The broker only wakes workers: without it crops are accepted all the same."""

import shutil
import time
from pathlib import Path

import pytest
from celery import Celery, current_app
from kombu.exceptions import OperationalError
from rest_framework.test import APIClient

from detections import tasks
from detections.models import Crop
from recognition import wakeup
from tests.fabricated import make_camera
from tests.ingest.posting import crop, post

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that nobody has found away yet."""
    monkeypatch.setattr(wakeup, "_broker", wakeup._Broker())


@pytest.mark.parametrize("error", [OperationalError("refused"), ConnectionRefusedError(), OSError("disk full")])
def test_a_crop_is_accepted_while_the_broker_is_down(
    operator: APIClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    make_camera()
    monkeypatch.setattr(current_app, "send_task", refuse)
    assert post(operator, [crop()]).status_code == 202
    assert Crop.objects.count() == 1


def test_a_broker_that_is_away_is_asked_now_and_then_by_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, now = [], 0.0

    def refuse(*_: object, **__: object) -> None:
        asked.append(now)
        if len(asked) > 1:
            wakeup.wake(wakeup.RECOGNITION)  # another request, while this one waits
        raise OperationalError("no answer")

    monkeypatch.setattr(current_app, "send_task", refuse)
    monkeypatch.setattr(time, "monotonic", lambda: now)
    for now in (1000.0, 1001.0, 1004.0, 1006.0, 1007.0, 1012.0):  # noqa: B007 - the clock reads it
        wakeup.wake(wakeup.RECOGNITION)
    assert asked == [1000.0, 1006.0, 1012.0]


def test_a_broker_that_is_back_is_used_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda task, **_: sent.append(task))
    wakeup._broker._away_until = time.monotonic() - 1
    wakeup.wake(wakeup.RECOGNITION)
    wakeup.wake(wakeup.DELIVERY)
    assert sent == [wakeup.RECOGNITION, wakeup.DELIVERY]


def test_the_sweeper_wakes_for_it_later(monkeypatch: pytest.MonkeyPatch, operator: APIClient) -> None:
    woken = []
    make_camera()
    post(operator, [crop()])
    monkeypatch.setattr(wakeup, "wake", lambda *message: woken.append(message))
    tasks.sweep()
    assert woken == [(wakeup.RECOGNITION,)]
    Crop.objects.update(state=Crop.State.DONE)
    tasks.sweep()
    assert len(woken) == 1


def test_a_message_folder_that_is_gone_raises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The transport of an embedded installation, with real kombu."""
    folder = tmp_path / "messages"
    folder.mkdir()
    app = Celery("test", set_as_current=False)
    app.conf.broker_url = "filesystem://"
    places = ("data_folder_in", "data_folder_out", "control_folder")
    app.conf.broker_transport_options = dict.fromkeys(places, str(folder))
    monkeypatch.setattr(wakeup, "current_app", app)
    wakeup.wake(wakeup.RECOGNITION)
    assert list(folder.glob("*.msg"))
    shutil.rmtree(folder)
    folder.write_bytes(b"")
    wakeup.wake(wakeup.RECOGNITION)
    assert "the sweeper makes up for them" in caplog.text

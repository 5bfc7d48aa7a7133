"""On SQLite, who writes waits in line; one that fails, gives up or dies does not hold up the others."""

import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from detections.ingest import Submission, accept, cameras_of
from detections.models import Camera
from facesite.sqlite import base
from recognition.models import Heartbeat
from tests.fabricated import make_camera, operator_user, plain_png, run_together

__all__ = ["operator_user"]

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL locks rows, not the database"),
]


@pytest.fixture
def gate(db: None) -> Camera:
    return make_camera()


@pytest.fixture
def somebody_writing() -> Iterator[threading.Event]:
    """Another thread is in the middle of a transaction, until the event is set."""
    begun, over = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            begun.set()
            over.wait(30)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    assert begun.wait(10)
    yield over
    over.set()
    thread.join()


def test_whoever_waits_asks_sqlite_only_when_its_turn_comes(
    somebody_writing: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite would let it sleep, and look again at most ten times a second."""
    plain, asked_early = base.base.DatabaseWrapper._start_transaction_under_autocommit, []

    def begin(wrapper: base.DatabaseWrapper) -> None:
        asked_early.append(not somebody_writing.is_set())
        plain(wrapper)

    monkeypatch.setattr(base.base.DatabaseWrapper, "_start_transaction_under_autocommit", begin)
    threading.Timer(0.3, somebody_writing.set).start()
    _write()
    assert asked_early == [False]


@pytest.mark.parametrize("sets", ["timeout", "patience"])
def test_whoever_waits_too_long_is_told_as_by_sqlite(
    somebody_writing: threading.Event, monkeypatch: pytest.MonkeyPatch, sets: str
) -> None:
    if sets == "timeout":
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)
    else:
        monkeypatch.setattr(connection, "patience_s", 0.1)
        monkeypatch.setattr(base, "LONG_LINE", 0)
    with pytest.raises(OperationalError, match="locked"), transaction.atomic():
        pytest.fail("there were two at once")
    somebody_writing.set()
    monkeypatch.undo()
    with transaction.atomic():
        Heartbeat.objects.create(name="later", kind="web")
    assert Heartbeat.objects.count() == 1


@pytest.mark.parametrize("error", [ValueError, OperationalError])
def test_a_transaction_that_fails_ends_its_turn(error: type[Exception]) -> None:
    with pytest.raises(error), transaction.atomic():
        raise error
    run_together(_write, _write)
    assert Heartbeat.objects.count() == 2


def test_a_connection_that_is_closed_within_ends_its_turn() -> None:
    with transaction.atomic():
        connection.close()
    run_together(_write, _write)
    assert Heartbeat.objects.count() == 2


def test_a_begin_that_fails_ends_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(base.base.DatabaseWrapper, "_start_transaction_under_autocommit", fail)
        with pytest.raises(OperationalError, match="disk"), transaction.atomic():
            pytest.fail("it began")
    run_together(_write, _write)
    assert Heartbeat.objects.count() == 2


def test_in_a_short_line_everybody_waits(somebody_writing: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "patience_s", 0.01)
    threading.Timer(0.3, somebody_writing.set).start()
    _write()
    assert Heartbeat.objects.count() == 1


def test_crops_that_would_wait_long_are_to_come_again_soon(
    gate: Camera, operator_user: User, somebody_writing: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "LONG_LINE", 0)
    submission = Submission(uuid.uuid4(), gate.pk, timezone.now(), plain_png())
    begun = time.monotonic()
    with pytest.raises(OperationalError, match="locked"):
        accept([submission], cameras_of(operator_user).in_bulk())
    assert time.monotonic() - begun < connection.settings_dict["OPTIONS"]["timeout"] / 2
    somebody_writing.set()
    assert accept([submission], cameras_of(operator_user).in_bulk()).accepted == [submission.id]


def test_another_process_is_waited_for_and_loses_its_turn_when_it_dies(tmp_path: Path) -> None:
    name = str(tmp_path / "db")
    code = f"""
from facesite.sqlite.base import Turn
turn = Turn({name!r})
turn.take(9)
print("taken", flush=True)
input()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline()
        dying = threading.Event()
        threading.Timer(0.3, lambda: (dying.set(), other.kill())).start()
        turn = base.Turn(name)
        turn.take(9)
        assert dying.is_set()
        turn.end()


def _write() -> None:
    with transaction.atomic():
        Heartbeat.objects.create(name=str(uuid.uuid4()), kind="web")

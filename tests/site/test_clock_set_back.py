"""The scheduler goes on sending when its clock is set back, and after a restart."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from celery.beat import Scheduler, Service

from facesite.celery import app

HOUR = timedelta(hours=1)


class Clock:
    """One that is set, and goes on only while somebody waits for what is due."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def wait(self, scheduler: Scheduler, seconds: int) -> None:
        until = self.now + timedelta(seconds=seconds)
        while self.now < until:
            self.now += timedelta(seconds=max(scheduler.tick(), 0.001))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(app, "now", lambda: clock.now)
    return clock


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(Scheduler, "apply_entry", lambda _, entry, **_others: names.append(entry.name))
    monkeypatch.setattr(Scheduler, "producer", None)
    return names


@pytest.fixture
def start(tmp_path: Path) -> Callable[[], Scheduler]:
    """The scheduler, as `celery beat` makes it."""
    return lambda: (
        Service(app, schedule_filename=str(tmp_path / "schedule"), scheduler_cls=app.conf.beat_scheduler).scheduler
    )


def test_it_goes_on_sending(clock: Clock, sent: list[str], start: Callable[[], Scheduler]) -> None:
    scheduler = start()
    clock.wait(scheduler, 60)
    usual = sent.count("sweep")
    sent.clear()
    clock.now -= HOUR
    clock.wait(scheduler, 60)
    assert usual - 1 <= sent.count("sweep") <= usual + 1
    assert sent.count("sweep-jobs") >= 3
    clock.wait(scheduler, 3600)
    assert sent.count("retention") == 1


def test_it_goes_on_after_a_restart(clock: Clock, sent: list[str], start: Callable[[], Scheduler]) -> None:
    scheduler = start()
    clock.wait(scheduler, 60)
    scheduler.close()
    clock.now -= HOUR
    sent.clear()
    clock.wait(start(), 60)
    assert sent.count("sweep") >= 10

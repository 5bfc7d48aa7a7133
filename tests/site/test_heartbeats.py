"""Processes say that they live: from a thread of their own, sparingly, and until they end."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from detections.tasks import apply_retention, sweep
from recognition import heartbeats
from recognition.loader import loader
from recognition.models import Heartbeat
from tests.servers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_process_tells_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "EVERY", timedelta(seconds=0.05))
    monkeypatch.setattr(type(loader), "generation", None)
    heartbeats.start(Heartbeat.Kind.WORKER, queues="recognition")
    try:
        wait_until(Heartbeat.objects.exists, "the first beat", 10)
        first = Heartbeat.objects.get()
        assert (first.kind, first.queues, first.generation) == ("worker", "recognition", None)
        monkeypatch.setattr(type(loader), "generation", 7)
        wait_until(lambda: Heartbeat.objects.get().generation == 7, "another generation", 10)
        assert Heartbeat.objects.get().beat_at > first.beat_at
        assert Heartbeat.objects.get().started_at == first.started_at
    finally:
        heartbeats.stop()
    assert not Heartbeat.objects.exists()


def test_a_database_that_is_away_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    beat, failures = heartbeats.beat, [OperationalError(), OperationalError()]

    def fail_at_first(*arguments: object, **values: object) -> None:
        if failures:
            raise failures.pop()
        beat(*arguments, **values)

    monkeypatch.setattr(heartbeats, "EVERY", timedelta(seconds=0.05))
    monkeypatch.setattr(heartbeats, "beat", fail_at_first)
    heartbeats.start(Heartbeat.Kind.WEB)
    try:
        wait_until(Heartbeat.objects.exists, "a beat", 10)
    finally:
        heartbeats.stop()


def test_the_schedulers_tasks_say_when_they_ran() -> None:
    sweep()
    apply_retention()
    assert set(Heartbeat.objects.values_list("name", "kind")) == {("sweep", "task"), ("retention", "task")}


def test_a_sweep_is_not_written_down_every_time() -> None:
    heartbeats.ran("sweep")
    at = Heartbeat.objects.get().beat_at
    heartbeats.ran("sweep")
    assert Heartbeat.objects.get().beat_at == at
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(seconds=11))
    heartbeats.ran("sweep")
    assert Heartbeat.objects.get().beat_at > at

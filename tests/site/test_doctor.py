"""`manage.py doctor` finds each part that is not well, says what to do, and ends with 1."""

from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from detections.models import Crop
from facesite import examining
from recognition import heartbeats
from recognition import storage as stored
from recognition.models import Heartbeat
from recognition.storage import StorageUnavailableError
from tests.fabricated import Eyes, eyes, fresh_loader, operator_user, submit

__all__ = ["eyes", "fresh_loader", "operator_user", "submit"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def well(storage: Path, fresh_loader: None, settings: object) -> None:
    """Every process lives."""
    settings.DATA_DIR.mkdir(exist_ok=True)
    heartbeats.beat("here:1", "web")
    heartbeats.beat("here:2", "worker", queues="maintenance recognition training")
    heartbeats.ran("sweep")


def diagnosis() -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("doctor", stdout=out)
    except SystemExit as end:
        return out.getvalue(), end.code
    return out.getvalue(), 0


def test_a_sound_installation(well: None) -> None:
    text, code = diagnosis()
    assert ("FAIL" not in text, code) == (True, 0)
    for part in ("settings", "broker", "storage", "signing key", "pack", "database", "migrations", "clock"):
        assert f"ok    {part}: " in text
    assert "nothing is trained" in text
    assert stored.listing("doctor") == ([], [])  # it leaves nothing behind


class AnHourAhead:
    @staticmethod
    def now() -> datetime:
        return timezone.now() + timedelta(hours=1)


def raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("harm", "line", "advice"),
    [
        (lambda patch: patch.setattr(examining.storage, "write_once", raising(StorageUnavailableError("away"))),
         "FAIL  storage: away", "STORAGE_URL"),
        (lambda patch: patch.setattr(examining.current_app, "connection_for_write", raising(OSError())),
         "FAIL  broker: ", "BROKER_URL"),
        (lambda patch: patch.setattr(examining, "timezone", AnHourAhead), "FAIL  clock: 3600.0 s", "NTP"),
        (lambda patch: patch.setattr(examining.connection, "cursor", raising(OperationalError("refused"))),
         "FAIL  database: refused", "DATABASE_URL"),
        (lambda _: Heartbeat.objects.filter(kind="worker").update(queues="maintenance"),
         "FAIL  health: No worker recognises faces", "Start the workers"),
        (lambda _: Heartbeat.objects.filter(kind="task").delete(),
         "FAIL  health: The scheduler is not running", "Start it"),
    ],
    ids=["storage", "broker", "clock", "database", "workers", "scheduler"],
)  # fmt: skip
def test_what_is_not_well_is_found(
    well: None, monkeypatch: pytest.MonkeyPatch, harm: Callable[[pytest.MonkeyPatch], None], line: str, advice: str
) -> None:
    with monkeypatch.context() as patch:
        harm(patch)
        text, code = diagnosis()
    assert code == 1
    found = text[text.index(line) :].splitlines()
    assert advice in found[1]


def test_a_missing_pack_is_found(well: None, settings: object, tmp_path: Path) -> None:
    settings.PACKS_DIR = tmp_path
    text, code = diagnosis()
    assert (code, "FAIL  pack: " in text, "packs build" in text) == (1, True, True)


def test_what_is_late_is_only_warned_of(well: None, eyes: Eyes, submit: Callable[..., object]) -> None:
    submit(eyes.picture_of(1))
    Crop.objects.update(due_at=timezone.now() - timedelta(minutes=5))
    text, code = diagnosis()
    assert (code, "warn  health: Crops wait for" in text) == (0, True)

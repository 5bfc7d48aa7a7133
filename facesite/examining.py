"""Looks at each part of an installation from where it is run, and says what to do where one fails."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from celery import current_app
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now
from django.utils import timezone

from detections import attention
from detections.fleet import fleet
from detections.vitals import vitals
from recognition import signing, storage
from recognition.engine.errors import PackError
from recognition.engine.packs import open_pack
from recognition.loader import ModelUnavailableError, loader
from recognition.models import ActiveModel

CLOCK_FINE_S, CLOCK_BAD_S = 2.0, 60.0


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    """One line, and what to do about it."""

    level: Level
    what: str
    text: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.level:<5} {self.what}: {self.text}" + (f"\n      → {self.advice}" if self.advice else "")


def ok(what: str, text: str) -> Finding:
    return Finding(Level.OK, what, text)


def warn(what: str, text: str, advice: str) -> Finding:
    return Finding(Level.WARN, what, text, advice)


def fail(what: str, text: str, advice: str) -> Finding:
    return Finding(Level.FAIL, what, text, advice)


def examine() -> Iterator[Finding]:
    """Everything; without the database, what does not need it."""
    yield from (_settings(), _broker(), _storage(), _signing_key(), _pack())
    database = _database()
    yield database
    if database.level is Level.FAIL:
        return
    migrations = _migrations()
    yield migrations
    if migrations.level is not Level.FAIL:
        yield from (_clock(), _model(), *_attention())


def _settings() -> Finding:
    found = [one for one in checks.run_checks() if one.level >= checks.ERROR]
    if not found:
        return ok("settings", "no errors")
    return fail("settings", "; ".join(one.msg for one in found), "python manage.py check says more.")


def _broker() -> Finding:
    where = settings.CELERY["broker_url"].rpartition("@")[2]
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=0, timeout=5)
            broker.default_channel  # noqa: B018 - opens it
    except Exception as error:  # noqa: BLE001 - each transport has errors of its own
        advice = "Start it, or correct BROKER_URL. Until then the sweeper cannot wake workers; nothing is lost."
        return fail("broker", f"{where} does not answer ({type(error).__name__})", advice)
    return ok("broker", f"{where} answers")


def _storage() -> Finding:
    name, data = f"doctor/{uuid.uuid4()}", b"written by manage.py doctor"
    try:
        storage.write_once(name, data)
        same = storage.read(name) == data
        storage.delete(name)
    except (storage.StorageUnavailableError, FileNotFoundError) as error:
        advice = "Check STORAGE_URL, the credentials (AWS_…) and that this process may write, read and delete there."
        return fail("storage", str(error), advice)
    if not same:
        return fail("storage", "it gives back something else than was stored", "Do not use this storage.")
    return ok("storage", "writes, reads and deletes")


def _signing_key() -> Finding:
    if signing.can_sign():
        return ok("signing key", "this process may publish models")
    return ok("signing key", f"this process only loads models, of {len(signing.known_keys())} known keys")


def _pack() -> Finding:
    try:
        return ok("pack", open_pack(settings.PACKS_DIR / settings.PACK).id)
    except PackError as error:
        return fail("pack", str(error), "python manage.py packs build makes it.")


def _database() -> Finding:
    started = time.perf_counter()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        reason = str(error).partition("\n")[0]
        return fail("database", reason, "Start it, or correct DATABASE_URL. Until then everything is answered 503.")
    return ok("database", f"{connection.display_name} answers in {1000 * (time.perf_counter() - started):.0f} ms")


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return fail("migrations", f"{len(missing)} are missing", "python manage.py migrate")
    return ok("migrations", "all applied")


def _clock() -> Finding:
    ActiveModel.objects.get_or_create(pk=ActiveModel.SINGLETON)
    there: datetime = ActiveModel.objects.values_list(Now(), flat=True)[0]
    off = abs((timezone.now() - there).total_seconds())
    text = f"{off:.1f} s from the database's"
    advice = "Set up NTP on both machines: capture times are judged by this clock, leases run on the other."
    if off > CLOCK_BAD_S:
        return fail("clock", text, advice)
    return warn("clock", text, advice) if off > CLOCK_FINE_S else ok("clock", text)


def _model() -> Finding:
    try:
        serving = loader.current()
    except (PackError, ModelUnavailableError) as error:
        return fail("model", str(error), "Admin → Models says why. Put another one in service, or train again.")
    if serving.model_id is None:
        return warn("model", "nothing is trained, so everybody is unknown", "Enrol people, then press Train.")
    return ok("model", f"generation {serving.generation} knows {len(serving.classifier.labels)} people")


def _attention() -> Iterator[Finding]:
    """What the page Health says, of processes, queues, disk and edge nodes."""
    found = attention.problems(vitals(), fleet())
    for problem in found:
        yield (fail if problem.is_bad else warn)("health", str(problem.title), str(problem.advice))
    if not found:
        yield ok("health", "nothing needs attention")

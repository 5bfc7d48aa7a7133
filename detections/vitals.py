"""How the installation itself is: queues, workers, storage, disk, and what was given up. Each is found out in bounded
time, and what cannot be is None: a page about trouble must come up while there is some.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import OperationalError, connection, models, transaction
from django.db.models import Count, DurationField, ExpressionWrapper, F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from access.pagination import AtLeast
from detections.bars import Chart, Column, chart, column_of
from detections.models import Crop, Delivery
from recognition import heartbeats, storage
from recognition.models import ActiveModel, Heartbeat, Job
from recognition.storage import StorageUnavailableError

PATIENCE_S = 2.0
BARS, BAR = 12, timedelta(minutes=5)
# More than this many are shown as "or more": an exact count would walk the table.
COUNTED = 1000
SHOWN = 5

Found = TypeVar("Found")


@dataclass(frozen=True)
class Queue:
    """Crops that wait. `age`: how long the oldest of those that no worker has in hand has been due."""

    waiting: int
    age: timedelta
    room: int

    @property
    def seconds(self) -> int:
        return round(self.age.total_seconds())

    @property
    def oldest_at(self) -> datetime:
        return timezone.now() - self.age


@dataclass(frozen=True)
class Process:
    """One that told of itself lately; `age`: how long ago."""

    beat: Heartbeat
    age: timedelta

    @property
    def is_alive(self) -> bool:
        return self.age < heartbeats.SILENT_AFTER


@dataclass(frozen=True)
class DeadLetters:
    """What was given up and can be tried again; the newest few as rows."""

    count: int
    rows: Sequence[models.Model]


@dataclass(frozen=True)
class Disk:
    """Of the folder of this web process, in bytes."""

    free: int
    total: int

    @property
    def share_free(self) -> float:
        return self.free / self.total


@dataclass(frozen=True, kw_only=True)
class Vitals:
    queue: Queue | None
    hour: Chart | None
    processes: Sequence[Process] | None
    ran: dict[str, timedelta] | None
    pointer: ActiveModel | None
    crops: DeadLetters | None
    jobs: DeadLetters | None
    deliveries: DeadLetters | None
    storage_fault: str
    disk: Disk | None

    @property
    def swept_at(self) -> datetime | None:
        return timezone.now() - self.ran["sweep"] if self.ran and "sweep" in self.ran else None

    @property
    def nothing_given_up(self) -> bool:
        return all(one is not None and not one.count for one in (self.crops, self.jobs, self.deliveries))


def vitals() -> Vitals:
    beats = _in_time(_beats)
    tasks = Heartbeat.Kind.TASK
    return Vitals(
        queue=_in_time(_queue),
        hour=_in_time(_hour),
        processes=beats and [one for one in beats if one.beat.kind != tasks],
        ran=None if beats is None else {one.beat.name: one.age for one in beats if one.beat.kind == tasks},
        # Of an installation without one an empty one: none is one that was not read in time.
        pointer=_in_time(lambda: ActiveModel.objects.select_related("model").first() or ActiveModel()),
        crops=_in_time(lambda: _dead(dead_crops().select_related("camera"))),
        jobs=_in_time(lambda: _dead(dead_jobs())),
        deliveries=_in_time(lambda: _dead(dead_deliveries().select_related("server"))),
        storage_fault=_storage_fault(),
        disk=_disk(),
    )


def dead_crops() -> QuerySet[Crop]:
    return Crop.objects.in_state(Crop.State.DEAD).defer("image").order_by("-received_at")


def dead_jobs() -> QuerySet[Job]:
    return Job.objects.filter(state=Job.State.FAILED, kind__in=Job.LONG).order_by("-finished_at")


def dead_deliveries() -> QuerySet[Delivery]:
    return Delivery.objects.in_state(Delivery.State.FAILED).order_by("-created_at")


def _in_time(measure: Callable[[], Found]) -> Found | None:
    """What it finds out, or None if the database does not say in time."""
    try:
        with _statements_end():
            return measure()
    except OperationalError:
        return None


@contextmanager
def _statements_end() -> Iterator[None]:
    """Statements in this block are broken off when they take too long."""
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [round(PATIENCE_S * 1000)])
            yield
        return
    connection.ensure_connection()
    until = time.monotonic() + PATIENCE_S
    connection.connection.set_progress_handler(lambda: time.monotonic() > until, 10_000)
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)


def _since(moment: str) -> ExpressionWrapper:
    """How long ago, by the database's clock alone."""
    return ExpressionWrapper(Now() - F(moment), output_field=DurationField())


def _queue() -> Queue:
    waiting = Crop.objects.in_state(Crop.State.PENDING)
    # A crop that nobody has tried is due since it came; so the first in the index of those due has waited longest.
    oldest = waiting.filter(due_at__lte=Now()).order_by("due_at").values_list(_since("due_at"), flat=True).first()
    return Queue(waiting.count(), oldest or timedelta(0), settings.MAX_INBOX)


def _hour() -> Chart:
    """What came in within the last hour: what of it is done with by now, and what is not."""
    now = timezone.now()
    starts = [now - (BARS - index) * BAR for index in range(BARS)]
    bar = column_of("received_at", starts)
    counted = Crop.objects.filter(received_at__gte=starts[0]).order_by().values_list(bar, "state").annotate(Count("pk"))
    done, not_done = [0] * BARS, [0] * BARS
    for index, state, count in counted:
        (done if state == Crop.State.DONE else not_done)[index] += count
    return chart([Column(*one) for one in zip(starts, done, not_done, strict=True)], now)


def _beats() -> list[Process]:
    return [Process(beat, beat.age) for beat in Heartbeat.objects.annotate(age=_since("beat_at"))]


def _dead(rows: QuerySet) -> DeadLetters:
    count = rows.order_by()[:COUNTED].count()
    return DeadLetters(count if count < COUNTED else AtLeast(count), list(rows[:SHOWN]))


_asking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="storage-probe")
_asked: list[Future] = []


def _storage_fault() -> str:
    """Why storage cannot be reached; empty: it answers. One asks at a time, however many look at the page."""
    if not _asked or _asked[0].done():
        _asked[:] = [_asking.submit(storage.probe)]
    try:
        _asked[0].result(timeout=PATIENCE_S)
    except StorageUnavailableError as error:
        return str(error)
    except TimeoutError:
        return f"Storage did not answer within {PATIENCE_S:.0f} seconds."
    return ""


def _disk() -> Disk | None:
    try:
        usage = shutil.disk_usage(settings.DATA_DIR)
    except OSError:
        return None
    return Disk(usage.free, usage.total)

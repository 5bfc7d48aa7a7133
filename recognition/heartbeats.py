"""Says which processes live and when the scheduler's tasks last ran: in the database, which all of them reach anyway.

By the database's clock alone: those of the machines may differ.
"""

import logging
import os
import threading
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from recognition.loader import loader
from recognition.models import Heartbeat

logger = logging.getLogger(__name__)

EVERY = timedelta(seconds=10)
# A machine that is busy recognising may miss a beat or two.
SILENT_AFTER = timedelta(seconds=45)
FORGOTTEN_AFTER = timedelta(minutes=15)

PATIENCE_S = 2.0

_stopped = threading.Event()
_telling: list[threading.Thread] = []


def start(kind: str, queues: str = "") -> None:
    """Tell of this process from now on, from a thread of its own. To be called after the fork that made the process."""
    _stopped.clear()
    _telling[:] = [threading.Thread(target=_keep_telling, args=(kind, queues), name="heartbeat", daemon=True)]
    _telling[0].start()


def stop() -> None:
    """This process ends as it should: nobody need wonder where it is."""
    _stopped.set()
    for thread in _telling:
        thread.join(PATIENCE_S)  # else the beat that it is just at would come after
    try:
        Heartbeat.objects.filter(name=_own_name()).delete()
    except DatabaseError as error:
        logger.info("the end of this process could not be told: %s", type(error).__name__)
    finally:
        connection.close()


def beat(name: str, kind: str, *, queues: str = "", generation: int | None = None) -> None:
    """One sign of life."""
    row = Heartbeat(name=name, kind=kind, node=settings.NODE_NAME, queues=queues, generation=generation, beat_at=Now())
    Heartbeat.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["name"], update_fields=["node", "generation", "beat_at"]
    )


def ran(task: str) -> None:
    """A task of the scheduler ran. Of those that run often, not every time is written down."""
    if not Heartbeat.objects.filter(name=task, beat_at__gt=Now() - EVERY).exists():
        beat(task, Heartbeat.Kind.TASK)


def forget_gone() -> None:
    """Processes that were killed, once they have been missed long enough."""
    Heartbeat.objects.exclude(kind=Heartbeat.Kind.TASK).filter(beat_at__lt=Now() - FORGOTTEN_AFTER).delete()


def _own_name() -> str:
    return f"{settings.NODE_NAME}:{os.getpid()}"


def _keep_telling(kind: str, queues: str) -> None:
    name = _own_name()
    is_new = True  # one of before may have had the same number on a machine of the same name
    while not _stopped.is_set():
        try:
            if is_new:
                Heartbeat.objects.filter(name=name).delete()
            beat(name, kind, queues=queues, generation=loader.generation)
            is_new = False
        except DatabaseError as error:
            logger.info("a heartbeat could not be written: %s", type(error).__name__)
        finally:
            # Rather than a connection more for each process, of which a database has few.
            connection.close()
        _stopped.wait(EVERY.total_seconds())

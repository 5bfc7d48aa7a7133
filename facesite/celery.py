"""The Celery application. Tasks carry ids only; the database holds the work."""

import os
import signal
import threading
from importlib import import_module

from billiard.process import current_process
from celery import Celery
from celery.signals import (
    import_modules,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutting_down,
)
from django.conf import settings

from facesite import metricfiles
from recognition import stopping

PATIENCE_S = 12

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")


@import_modules.connect
def count_together(**_: object) -> None:
    """Connected before the application is made: it sets Django up, which imports what counts."""
    if not settings.METRICS_TOKEN:  # nobody may read what is counted
        return
    # A child that replaces another has its index, and goes on counting where that ended.
    metricfiles.count_together(settings.METRICS_DIR, "celery", lambda: getattr(current_process(), "index", "parent"))


app = Celery("facesite")
app.add_defaults(lambda: settings.CELERY)
app.autodiscover_tasks()


@worker_ready.connect
def tell_metrics(**_: object) -> None:
    if settings.METRICS_BIND:
        import_module("facesite.metrics").serve(settings.METRICS_BIND)


@worker_process_init.connect
def leave_process_group(**_: object) -> None:
    """A supervisor's SIGTERM to the whole group is meant for the parent, which lets its children finish their work."""
    os.setpgrp()


@worker_process_init.connect
def start_heartbeat(**_: object) -> None:
    # By name: models can be imported only after the worker has set Django up.
    import_module("facesite.metrics").tell_of_rare()
    import_module("recognition.tracing").start()
    import_module("recognition.heartbeats").start("worker", queues=" ".join(app.amqp.queues.consume_from))


@worker_process_shutdown.connect
def stop_heartbeat(**_: object) -> None:
    import_module("recognition.heartbeats").stop()


@worker_shutting_down.connect
def stop_children(how: str, **_: object) -> None:
    """Warm: children end what they have in hand, which takes seconds. One that does not must not hold up the rest: its
    work is safe in the database.
    """
    stopping.ask()
    if how == "Warm":
        guard = threading.Timer(PATIENCE_S, os.kill, (os.getpid(), signal.SIGQUIT))
        guard.daemon = True
        guard.start()

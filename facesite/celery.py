"""The Celery application. Tasks carry ids only; the database holds the work."""

import os

from celery import Celery
from celery.signals import worker_process_init
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")

app = Celery("facesite")
app.add_defaults(lambda: settings.CELERY)
app.autodiscover_tasks()


@worker_process_init.connect
def leave_process_group(**_: object) -> None:
    """A supervisor's SIGTERM to the whole group is meant for the parent, which lets its children finish their work."""
    os.setpgrp()

"""The product in a hurry, so that what a dead worker held is due again in seconds: `celery -A tests.faults.hasty …`."""

import os
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
django.setup()

from detections import processing  # noqa: E402 - models need Django set up
from facesite.celery import app  # noqa: E402

__all__ = ["app"]

processing.LEASE = timedelta(seconds=6)
app.conf.beat_schedule["sweep"]["schedule"] = 1.0

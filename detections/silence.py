"""Notices that a camera is not heard any more, and that it is again."""

from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from detections.models import Camera
from detections.webhooks import events

HEARD_RESOLUTION = timedelta(seconds=30)


def heard(cameras: Collection[str]) -> None:
    """A sign of life of these cameras (ids) came in. On the database's clock: that of this machine may be off."""
    stale = Camera.objects.filter(pk__in=cameras).exclude(heard_at__gt=Now() - HEARD_RESOLUTION)
    # Reading first: on SQLite a transaction would wait for whoever writes. Who is locked is just being noted.
    if cameras and stale.exists():
        with transaction.atomic():
            ids = list(stale.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True))
            Camera.objects.filter(pk__in=ids).update(heard_at=Now())


def notice() -> None:
    """Find the cameras that fell silent or are back, each once, and tell whoever wants to know."""
    since = Now() - timedelta(minutes=settings.CAMERA_SILENT_MINUTES)
    silent = Camera.objects.filter(is_active=True, silent_since=None, heard_at__lt=since)
    back = Camera.objects.filter(silent_since__lt=F("heard_at"))
    # Only the database compares what it wrote: read here and sent back, a time of its clock is not always the same.
    for camera in silent:
        with transaction.atomic():
            if silent.filter(pk=camera.pk).update(silent_since=F("heard_at")):
                camera.silent_since = camera.heard_at
                events.camera_silent(camera)
    for camera in back:
        with transaction.atomic():
            if back.filter(pk=camera.pk).update(silent_since=None):
                events.camera_back(camera)

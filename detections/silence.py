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
    for camera in Camera.objects.filter(is_active=True, silent_since=None, heard_at__lt=since):
        _change(camera, camera.heard_at)
    for camera in Camera.objects.filter(silent_since__lt=F("heard_at")):
        _change(camera, None)


@transaction.atomic
def _change(camera: Camera, silent_since: object) -> None:
    """Only if nobody else has noticed."""
    unchanged = Camera.objects.filter(pk=camera.pk, silent_since=camera.silent_since)
    if silent_since and unchanged.filter(heard_at=camera.heard_at).update(silent_since=silent_since):
        camera.silent_since = silent_since
        events.camera_silent(camera)
    elif not silent_since and unchanged.update(silent_since=None):
        events.camera_back(camera)

"""Forgets what has been kept long enough."""

import logging
from datetime import datetime, timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from access.models import AuditEntry
from detections import processing
from detections.models import Crop, Delivery, Detection, Search, Track
from detections.webhooks import delivering
from people import erasure, orphans, tombstones
from people.models import Import, Lookalike
from recognition import publishing
from recognition.models import Job
from recognition.storage import StorageUnavailableError

logger = logging.getLogger(__name__)

CHUNK = 1000
ARRIVES_WITHIN = timedelta(days=1)


def apply_retention() -> dict[str, int]:
    """Delete detections, tracks, receipts of finished crops, deliveries that are over, old imports, jobs and logs, and
    what storage holds for no row (of people's folders, a part each hour).

    Returns how many of each. Last-known locations stay: they are one row per person, and go with the person.
    """
    now = timezone.now()
    detections_until = now - timedelta(days=settings.RETENTION_DAYS)
    receipts_until = now - timedelta(days=settings.RECEIPT_DAYS)
    audit_until = now - timedelta(days=settings.AUDIT_DAYS)
    delivering.give_up_old()
    processing.close_emptied_jobs()
    under_way = Q(state=Delivery.State.PENDING, server__is_active=True)
    waiting = Crop.objects.filter(track=OuterRef("pk"), state=Crop.State.PENDING)
    removed = {
        "detections": _delete(Detection.objects.filter(captured_at__lt=detections_until).order_by("captured_at")),
        # What ended then began before: the index is on the beginning.
        "tracks": _delete(
            Track.objects.filter(
                ~Exists(waiting), captured_at__lt=detections_until, ended_at__lt=detections_until
            ).order_by("captured_at")
        ),
        "lookalikes": _delete(Lookalike.objects.filter(created_at__lt=detections_until)),
        "crops": _delete(Crop.objects.exclude(state=Crop.State.PENDING).filter(received_at__lt=receipts_until)),
        "deliveries": _delete(Delivery.objects.exclude(under_way).filter(created_at__lt=receipts_until)),
        "imports": _delete(_imports_over(now, receipts_until)),
        "jobs": _delete(Job.objects.filter(finished_at__lt=receipts_until)),
        "searches": _delete(Search.objects.filter(at__lt=audit_until)),
        "audit_entries": _delete(AuditEntry.objects.filter(at__lt=audit_until)),
        "admin_entries": _delete(LogEntry.objects.filter(action_time__lt=audit_until)),
        "failed_logins": _delete(AccessAttempt.objects.filter(attempt_time__lt=now - settings.AXES_COOLOFF_TIME)),
    }
    try:
        # First of all, as orphans can take longer than a task may: so backups bring back nobody.
        tombstones.copy_out()
        removed["artifacts"] = publishing.delete_stray_artifacts()
        removed["photo_files"] = orphans.collect(turn=int(now.timestamp() // 3600) % orphans.TURNS)
    except StorageUnavailableError as error:
        logger.warning("orphans are collected next time: %s", error)
    transaction.on_commit(erasure.forget_write_ahead_log)
    return removed


def _imports_over(now: datetime, until: datetime) -> QuerySet[Import]:
    """Reports that are old, and what somebody began to send and never did."""
    under_way = Q(job__state__in=(Job.State.QUEUED, Job.State.RUNNING))
    abandoned = Q(job=None, created_at__lt=now - ARRIVES_WITHIN)
    return Import.objects.exclude(under_way).filter(abandoned | Q(created_at__lt=until))


def _delete(rows: QuerySet) -> int:
    """In chunks, so that no transaction grows with the table."""
    total = 0
    while ids := list(rows.values_list("pk", flat=True)[:CHUNK]):
        # By the same condition: what somebody has just sent for one of them, or requeued, is there to stay.
        rows.order_by().filter(pk__in=ids).delete()
        total += len(ids)
    return total

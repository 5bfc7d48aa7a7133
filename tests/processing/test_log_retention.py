"""What was written down about who did what is forgotten in time too."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.utils import timezone

from access import audit
from access.models import AuditEntry
from detections import searching
from detections.models import Search
from detections.retention import apply_retention

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


def test_logs_go_when_they_are_old_and_stay_until_then(settings: object) -> None:
    for _ in range(2):
        audit.note(None, "add", "person")
        searching.note(None, Search.Means.DASHBOARD)
    old = timezone.now() - timedelta(days=settings.AUDIT_DAYS, minutes=1)
    for model in (AuditEntry, Search):
        model.objects.filter(pk=model.objects.first().pk).update(at=old)
    removed = apply_retention()
    assert (removed["audit_entries"], removed["searches"]) == (1, 1)
    assert (AuditEntry.objects.count(), Search.objects.count()) == (1, 1)


def test_failed_logins_go_as_soon_as_they_no_longer_lock(settings: object) -> None:
    AccessAttempt.objects.create(username="ada", ip_address="192.0.2.7", failures_since_start=1)
    assert apply_retention()["failed_logins"] == 0
    AccessAttempt.objects.update(attempt_time=timezone.now() - settings.AXES_COOLOFF_TIME - timedelta(seconds=1))
    assert apply_retention()["failed_logins"] == 1

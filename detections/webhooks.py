"""Posts the results of `send-results` to the configured external servers, signed as Standard Webhooks says."""

import json
import logging
import random
from collections.abc import Iterable
from datetime import timedelta

import requests
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from standardwebhooks import Webhook

from detections.models import Delivery, Detection, ExternalServer
from recognition import wakeup

logger = logging.getLogger(__name__)

TIMEOUT_S = 5
LEASE = timedelta(seconds=60)
# About two and a half days in all.
RETRY_DELAYS_S = (5, 30, 120, 600, 1800, 7200, 18000, 36000, 50000, 86400)


def enqueue(detections: Iterable[Detection]) -> None:
    """Queue each detection for every active server, in the caller's transaction."""
    servers = list(ExternalServer.objects.filter(is_active=True))
    deliveries = [Delivery(server=server, detection=one) for one in detections for server in servers]
    if deliveries:
        Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)
        transaction.on_commit(lambda: wakeup.wake(wakeup.DELIVERY))


def due() -> QuerySet[Delivery]:
    """Deliveries to be tried now; those of a server that is switched off wait."""
    return Delivery.objects.due().filter(server__in=ExternalServer.objects.filter(is_active=True))


def deliver_due(limit: int = 100) -> int:
    """Post what is due, one after the other; returns how many were tried."""
    tried = 0
    with requests.Session() as session:
        for _ in range(limit):
            delivery = _claim()
            if delivery is None:
                break
            _deliver(session, delivery)
            tried += 1
    return tried


def payload(detection: Detection) -> dict:
    """What a receiver is told about one detection."""
    return {
        "type": "detection",
        "timestamp": detection.captured_at.isoformat(),
        "data": {
            "id": str(detection.pk),
            "crop": str(detection.crop_id),
            "face_id": detection.person.face_id if detection.person else None,
            "probability": detection.probability,
            "camera": detection.camera_id,
            "location": detection.camera.location.name,
            "captured_at": detection.captured_at.isoformat(),
            "track": detection.track.key if detection.track else None,
            "box": detection.box,
            "frame_box": detection.frame_box,
        },
    }


def _claim() -> Delivery | None:
    with transaction.atomic():
        pk = due().select_for_update(skip_locked=True).order_by("due_at").values_list("pk", flat=True).first()
        if pk is None:
            return None
        Delivery.objects.filter(pk=pk).update(attempts=F("attempts") + 1, due_at=Now() + LEASE)
    related = ("server", "detection__person", "detection__camera__location", "detection__track")
    return Delivery.objects.select_related(*related).filter(pk=pk).first()


def _deliver(session: requests.Session, delivery: Delivery) -> None:
    body = json.dumps(payload(delivery.detection))
    now = timezone.now()
    headers = {
        "content-type": "application/json",
        "webhook-id": str(delivery.pk),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(delivery.server.secret).sign(str(delivery.pk), now, body),
    }
    try:
        response = session.post(
            delivery.server.url,
            data=body.encode(),
            headers=headers,
            timeout=TIMEOUT_S,
            allow_redirects=False,
            stream=True,
        )
        response.close()
        # Not response.ok: a redirect is not followed, so nobody has taken the result.
        error = "" if response.status_code // 100 == 2 else f"The server answered {response.status_code}."
    except requests.RequestException as problem:
        error = f"{type(problem).__name__}: the server could not be reached."
    mine = Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts)
    if not error:
        mine.update(state=Delivery.State.DELIVERED, delivered_at=now, last_error="")
    elif delivery.attempts > len(RETRY_DELAYS_S):
        mine.update(state=Delivery.State.FAILED, last_error=error)
    else:
        delay = RETRY_DELAYS_S[delivery.attempts - 1] * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, not a secret
        mine.update(due_at=Now() + timedelta(seconds=delay), last_error=error)

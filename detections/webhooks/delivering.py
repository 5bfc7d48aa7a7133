"""Delivers what is due, as Standard Webhooks says: signed, tried again over days, at least once under one id.

A server that fails time and again is left alone for a while, each time longer, and then tried with one event.
"""

import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from functools import cache

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from standardwebhooks import Webhook

from detections.metrics import WEBHOOK_SECONDS
from detections.models import Delivery, DeliveryAttempt, ExternalServer
from detections.webhooks.payloads import payload
from detections.webhooks.posting import Outcome, Poster
from recognition import wakeup

LEASE = timedelta(seconds=30)
TURN_S = 20
# At once: in all, and to one server, so that a slow one leaves room for the others.
MAX_REQUESTS = 16
MAX_PER_SERVER = 2
# About two and a half days in all.
RETRY_DELAYS_S = (5, 30, 120, 600, 1800, 7200, 18000, 36000, 50000, 86400)
# An event may wait longer than for its own retries: for a server that is left alone.
GIVE_UP_AFTER = timedelta(days=4)
FAILURES_UNTIL_PAUSE = 5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30, 3600
GONE = 410

_turn = threading.Lock()
_RELATED = (
    "server", "camera__location", "detection__person", "detection__camera__location", "detection__track",
    "track__person", "track__camera__location",
)  # fmt: skip


def due() -> QuerySet[Delivery]:
    """Deliveries to be tried now; those of a server that is switched off or left alone wait."""
    return Delivery.objects.due().filter(server__in=ExternalServer.objects.ready())


def deliver_due() -> int:
    """Post what is due, for one turn; returns how many were tried.

    One worker at a time is enough, and the others have better things to do than to wait for somebody's server.
    """
    at_work = Delivery.objects.filter(state=Delivery.State.PENDING, claim__isnull=False, due_at__gt=Now())
    if at_work.exists() or not _turn.acquire(blocking=False):
        return 0
    try:
        return _take_turn()
    finally:
        _turn.release()


def again(deliveries: QuerySet[Delivery]) -> int:
    """Deliver these anew, under their ids, whatever became of them; returns how many."""
    count = deliveries.update(
        state=Delivery.State.PENDING,
        attempts=0,
        due_at=Now(),
        queued_at=Now(),
        claim=None,
        delivered_at=None,
        last_error="",
    )
    wakeup.wake(wakeup.DELIVERY)
    return count


def give_up_old() -> int:
    """Set aside what a server took nothing of for days; returns how many."""
    old = Delivery.objects.filter(
        state=Delivery.State.PENDING, server__is_active=True, queued_at__lt=Now() - GIVE_UP_AFTER
    )
    days = f"The server could not be reached for {GIVE_UP_AFTER.days} days."
    return old.update(state=Delivery.State.FAILED, claim=None, last_error=days) if old.exists() else 0


@cache
def _poster() -> Poster:
    """Kept for the life of the process, with its open connections. To close it can take long: libcurl waits for the
    names that it is still looking up.
    """
    return Poster()


def _take_turn() -> int:
    running: dict[uuid.UUID, Delivery] = {}
    tried, until = 0, time.monotonic() + TURN_S
    try:
        while True:
            while len(running) < MAX_REQUESTS and time.monotonic() < until and (one := _claim(running.values())):
                tried += 1
                if _start(one):
                    running[one.claim] = one
            if not running:
                break
            for claim, outcome in _poster().finished():
                _record(running.pop(claim), outcome)
    except BaseException:
        _poster.cache_clear()  # it still holds requests that nobody waits for
        raise
    if due().exists():
        wakeup.wake(wakeup.DELIVERY)
    return tried


def _claim(running: Iterable[Delivery]) -> Delivery | None:
    busy = [server for server, count in Counter(one.server_id for one in running).items() if count >= MAX_PER_SERVER]
    waiting = due().exclude(server__in=busy)
    if not waiting.exists():
        return None
    with transaction.atomic():
        chosen = waiting.select_for_update(skip_locked=True).order_by("due_at").only("pk", "server").first()
        if chosen is None or not _is_let_through(chosen.server_id):
            return None
        claim = uuid.uuid4()
        Delivery.objects.filter(pk=chosen.pk).update(attempts=F("attempts") + 1, claim=claim, due_at=Now() + LEASE)
    return Delivery.objects.select_related(*_RELATED).filter(pk=chosen.pk, claim=claim).first()


def _is_let_through(server_id: int) -> bool:
    """Whether this server may be tried. One that failed time and again gets a single request, until that is over."""
    server = ExternalServer.objects.filter(pk=server_id)
    if not server.filter(failures__gte=FAILURES_UNTIL_PAUSE).exists():
        return True
    not_paused = Q(paused_until=None) | Q(paused_until__lte=Now())
    return bool(server.filter(not_paused).update(paused_until=Now() + LEASE))


def _start(delivery: Delivery) -> bool:
    told = payload(delivery)
    if told is None:
        _held(delivery).delete()
        # Nothing was asked of the server: where a single request is let through, that is still to come.
        ExternalServer.objects.filter(pk=delivery.server_id, failures__gte=FAILURES_UNTIL_PAUSE).update(
            paused_until=None
        )
        return False
    body, now = json.dumps(told), timezone.now()
    headers = {
        "content-type": "application/json",
        "user-agent": "facesite",
        "webhook-id": str(delivery.pk),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(delivery.server.secret).sign(str(delivery.pk), now, body),
    }
    _poster().start(delivery.claim, delivery.server.url, headers, body.encode())
    return True


@transaction.atomic
def _record(delivery: Delivery, outcome: Outcome) -> None:
    mine = _held(delivery)
    # None: erased meanwhile, or another's since the lease ran out.
    if mine.select_for_update().first():
        _log(delivery, outcome)
        if not outcome.error:
            mine.update(state=Delivery.State.DELIVERED, claim=None, delivered_at=Now(), last_error="")
        elif outcome.status == GONE or delivery.attempts > len(RETRY_DELAYS_S):
            mine.update(state=Delivery.State.FAILED, claim=None, last_error=outcome.error)
        else:
            delay = _jittered(RETRY_DELAYS_S[delivery.attempts - 1])
            mine.update(claim=None, due_at=Now() + delay, last_error=outcome.error)
    _note_health(delivery.server_id, outcome)


def _held(delivery: Delivery) -> QuerySet[Delivery]:
    """The delivery's row, if it is still in the hands of that claim."""
    return Delivery.objects.filter(pk=delivery.pk, claim=delivery.claim)


def _log(delivery: Delivery, outcome: Outcome) -> None:
    WEBHOOK_SECONDS.labels("failed" if outcome.error else "delivered").observe(outcome.seconds)
    milliseconds = round(outcome.seconds * 1000)
    DeliveryAttempt.objects.create(
        delivery=delivery, status=outcome.status, duration_ms=milliseconds, error=outcome.error
    )


def _note_health(server_id: int, outcome: Outcome) -> None:
    server = ExternalServer.objects.filter(pk=server_id)
    if outcome.status == GONE:
        now = timezone.now()
        reason = f"It answered 410 on {now:%Y-%m-%d %H:%M} UTC: it wants no more. Switch it on to try again."
        server.update(is_active=False, disabled_reason=reason, failures=0, paused_until=None)
    elif not outcome.error:
        server.filter(Q(failures__gt=0) | Q(paused_until__isnull=False)).update(failures=0, paused_until=None)
    else:
        server.update(failures=F("failures") + 1)
        failures = server.values_list("failures", flat=True).first() or 0
        if failures >= FAILURES_UNTIL_PAUSE:
            pause = min(FIRST_PAUSE_S * 2 ** min(failures - FAILURES_UNTIL_PAUSE, 20), LONGEST_PAUSE_S)
            server.update(paused_until=Now() + _jittered(pause))


def _jittered(seconds: float) -> timedelta:
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret

"""A server that fails, hangs or wants no more costs the others little, and every attempt can be read afterwards."""

import json
import re
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from detections.models import Delivery, DeliveryAttempt, Detection, ExternalServer, Track
from detections.retention import apply_retention
from detections.webhooks import delivering, posting
from detections.webhooks.delivering import FAILURES_UNTIL_PAUSE, FIRST_PAUSE_S, LONGEST_PAUSE_S, deliver_due
from people.models import Person
from tests.delivery.conftest import SECRET
from tests.delivery.receiver import Receiver
from tests.fabricated import run_together

See = Callable[..., Detection]
State = Delivery.State

pytestmark = pytest.mark.usefixtures("external")


@pytest.fixture(autouse=True)
def _detections_stay(settings: object) -> None:
    settings.RETENTION_DAYS = 36_500


def retry_now() -> int:
    Delivery.objects.filter(state=State.PENDING).update(due_at=Now() - timedelta(seconds=1))
    return deliver_due()


def pause_over() -> None:
    ExternalServer.objects.update(paused_until=Now() - timedelta(seconds=1))


def pause() -> float:
    """Seconds."""
    return (ExternalServer.objects.get(name="outside").paused_until - timezone.now()).total_seconds()


def test_each_attempt_is_logged(receiver: Receiver, see: See) -> None:
    receiver.statuses = [500, 204]
    see()
    deliver_due()
    retry_now()
    second, first = DeliveryAttempt.objects.all()
    assert (first.status, first.error) == (500, "The server answered 500.")
    assert (second.status, second.error) == (204, "")
    assert first.at < second.at
    assert max(first.duration_ms, second.duration_ms) < posting.TIMEOUT_MS


def test_the_log_holds_nothing_of_who_was_seen(receiver: Receiver, see: See) -> None:
    receiver.statuses, receiver.body = [500], b"ada is not welcome"
    see()
    deliver_due()
    values = str([*DeliveryAttempt.objects.values(), *Delivery.objects.values("last_error")])
    assert re.findall(r"\bada\b|welcome", values) == []  # as a word: UUIDs hold any three letters


def test_410_switches_the_server_off_and_says_why(receiver: Receiver, see: See) -> None:
    receiver.statuses = [410]
    see()
    see()
    deliver_due()
    server = ExternalServer.objects.get()
    assert not server.is_active
    assert "410" in server.disabled_reason
    assert retry_now() == 0
    see()
    assert Delivery.objects.count() == 2, "nothing is added for it"
    assert State.FAILED in Delivery.objects.values_list("state", flat=True)


def test_a_server_that_fails_time_and_again_is_left_alone_each_time_longer(receiver: Receiver, see: See) -> None:
    receiver.statuses = [500]
    for _ in range(3):
        see()
    for _ in range(10):
        retry_now()
    # One more may have been under way.
    assert len(receiver.requests) in {FAILURES_UNTIL_PAUSE, FAILURES_UNTIL_PAUSE + 1}
    pauses = [pause()]
    for _ in range(10):
        pause_over()
        assert retry_now() == 1, "a single one tries whether it is well again"
        pauses.append(pause())
    assert FIRST_PAUSE_S * 0.7 < pauses[0] < FIRST_PAUSE_S * 2.5
    assert all(later > sooner for sooner, later in pairwise(pauses[:5]))
    assert LONGEST_PAUSE_S * 0.7 < pauses[-1] < LONGEST_PAUSE_S * 1.3
    receiver.statuses = [200]
    pause_over()
    Delivery.objects.filter(state=State.FAILED).update(state=State.PENDING, attempts=0)
    assert retry_now() == 3, "well again: all that waits"
    server = ExternalServer.objects.get()
    assert (server.failures, server.paused_until) == (0, None)


def test_only_one_worker_tries_a_server_that_was_left_alone(receiver: Receiver, see: See) -> None:
    see()
    see()
    ExternalServer.objects.update(failures=FAILURES_UNTIL_PAUSE, paused_until=Now() - timedelta(seconds=1))
    assert delivering._claim([]) is not None
    assert delivering._claim([]) is None


def test_what_a_server_takes_nothing_of_for_days_is_given_up_and_can_be_queued_again(
    receiver: Receiver, see: See
) -> None:
    see()
    Delivery.objects.update(queued_at=F("queued_at") - timedelta(days=5))
    apply_retention()
    assert Delivery.objects.get().state == State.FAILED
    assert deliver_due() == 0
    assert delivering.again(Delivery.objects.all()) == 1
    apply_retention()
    assert deliver_due() == 1
    assert Delivery.objects.get().state == State.DELIVERED


def test_the_log_is_kept_for_some_days(receiver: Receiver, see: See, settings: object) -> None:
    settings.RECEIPT_DAYS = 7
    see()
    see()
    deliver_due()
    see()
    Delivery.objects.update(created_at=F("created_at") - timedelta(days=8))
    Delivery.objects.filter(pk=Delivery.objects.filter(state=State.DELIVERED).first().pk).update(created_at=Now())
    assert apply_retention()["deliveries"] == 1
    assert sorted(Delivery.objects.values_list("state", flat=True)) == [State.DELIVERED, State.PENDING]
    assert DeliveryAttempt.objects.count() == 1
    ExternalServer.objects.update(is_active=False)
    assert apply_retention()["deliveries"] == 1, "what waits for a server that is off goes too"


def test_a_slow_server_does_not_hold_up_the_others(receiver: Receiver, see: See) -> None:
    slow = Receiver(delay_s=1.5)
    server = slow.start()
    ExternalServer.objects.create(name="slow", url=f"{slow.url}/", secret=SECRET)
    for _ in range(4):
        see()
    begun = time.monotonic()
    assert deliver_due() == 8
    whole = time.monotonic() - begun
    server.shutdown()
    server.server_close()
    assert Delivery.objects.filter(state=State.DELIVERED).count() == 8
    of_good, of_slow = (
        Delivery.objects.filter(server__name=name).latest("delivered_at").delivered_at for name in ("outside", "slow")
    )
    assert of_good < of_slow - timedelta(seconds=1)
    assert whole > 2.9, "two at a time"


def test_while_one_worker_delivers_the_others_do_something_else(receiver: Receiver, see: See) -> None:
    see()
    see()
    assert delivering._claim([]) is not None
    assert deliver_due() == 0
    Delivery.objects.exclude(claim=None).update(due_at=Now() - timedelta(seconds=1))
    assert deliver_due() == 2, "the lease of a worker that was lost has run out"


def test_what_was_erased_under_way_is_not_recorded(receiver: Receiver, see: See) -> None:
    see()
    delivery = delivering._claim([])
    Delivery.objects.all().delete()
    delivering._record(delivery, posting.Outcome(200, "", 0.1))
    assert not DeliveryAttempt.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_server_is_deleted_once_what_is_just_being_noted_of_it_is(
    receiver: Receiver, see: See, monkeypatch: pytest.MonkeyPatch
) -> None:
    see()
    delivery, log, noted = delivering._claim([]), delivering._log, threading.Event()

    def note_slowly(*arguments: object) -> None:
        log(*arguments)
        noted.set()
        time.sleep(0.3)  # the deletion begins meanwhile

    def delete() -> None:
        assert noted.wait(10)
        ExternalServer.objects.filter(name="outside").delete()

    monkeypatch.setattr(delivering, "_log", note_slowly)
    run_together(lambda: delivering._record(delivery, posting.Outcome(200, "", 0.1)), delete)
    assert not ExternalServer.objects.exists()
    assert not DeliveryAttempt.objects.exists()


def test_nobody_deletes_all_servers_by_asking_the_manager() -> None:
    assert not hasattr(ExternalServer.objects, "delete")
    assert ExternalServer.objects.all().delete.alters_data


def test_an_event_that_is_so_no_more_is_not_the_one_that_tries_a_server_left_alone(
    receiver: Receiver, see: See
) -> None:
    ExternalServer.objects.update(wants_unknown_seen=True, wants_results=False)
    see(7, track="withdrawn", deliver=False)
    see(8, track="unknown", deliver=False)
    Track.objects.filter(key="withdrawn").update(person=Person.objects.get())
    ExternalServer.objects.update(failures=FAILURES_UNTIL_PAUSE)
    pause_over()
    retry_now()
    assert [json.loads(body)["data"]["track"] for _, _, body in receiver.requests] == ["unknown"]

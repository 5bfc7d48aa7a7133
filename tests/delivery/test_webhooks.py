"""Results of `send-results` reach the external servers: signed, tried again, and never about somebody erased."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from detections import tasks
from detections.models import Delivery, Detection, ExternalServer
from detections.webhooks import delivering
from detections.webhooks.delivering import RETRY_DELAYS_S, deliver_due
from people import erasure
from people.models import Person
from recognition import wakeup
from tests.delivery.conftest import SECRET
from tests.delivery.receiver import Receiver
from tests.fabricated import NOON

See = Callable[..., Detection]
State = Delivery.State

pytestmark = pytest.mark.usefixtures("external")


def retry_now() -> None:
    Delivery.objects.filter(state=State.PENDING).update(due_at=timezone.now() - timedelta(seconds=1))
    ExternalServer.objects.update(paused_until=None)


def test_the_receiver_learns_who_was_seen_where_and_when(receiver: Receiver, see: See) -> None:
    one = see(track="t", metadata={"box": [1, 2, 3, 4]})
    assert deliver_due() == 1
    ((path, headers, body),) = receiver.requests
    assert path == "/hook"
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {
        "type": "detection",
        "timestamp": NOON.isoformat(),
        "data": {
            "id": str(one.pk),
            "crop": str(one.crop_id),
            "face_id": "ada",
            "probability": one.probability,
            "camera": "gate",
            "location": "Place of gate",
            "captured_at": NOON.isoformat(),
            "track": "t",
            "box": [4.0, 4.0, 28.0, 28.0],
            "frame_box": [1, 2, 3, 4],
        },
    }
    assert Delivery.objects.get().state == State.DELIVERED


def test_an_unknown_face_is_delivered_without_a_name(receiver: Receiver, see: See) -> None:
    see(99)
    deliver_due()
    assert json.loads(receiver.requests[0][2])["data"]["face_id"] is None


def test_the_signature_is_that_of_standard_webhooks(receiver: Receiver, see: See) -> None:
    see()
    deliver_due()
    ((_, headers, body),) = receiver.requests
    assert Webhook(SECRET).verify(body, headers)["type"] == "detection"
    for forged in (body.replace(b"ada", b"eve"), body + b" "):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(forged, headers)


def test_results_that_were_only_stored_are_not_delivered(receiver: Receiver, see: See) -> None:
    see(deliver=False)
    assert deliver_due() == 0
    assert receiver.requests == []


def test_after_a_failure_it_is_tried_again_under_the_same_id(receiver: Receiver, see: See) -> None:
    receiver.statuses = [500, 200]
    see()
    assert deliver_due() == 1
    waiting = Delivery.objects.get()
    assert (waiting.state, waiting.attempts) == (State.PENDING, 1)
    assert "500" in waiting.last_error
    assert deliver_due() == 0, "not before the delay"
    retry_now()
    assert deliver_due() == 1
    done = Delivery.objects.get()
    assert (done.state, done.last_error) == (State.DELIVERED, "")
    assert len({headers["webhook-id"] for _, headers, _ in receiver.requests}) == 1


def test_what_was_delivered_is_not_delivered_again(receiver: Receiver, see: See) -> None:
    see()
    deliver_due()
    retry_now()
    assert deliver_due() == 0
    assert len(receiver.requests) == 1


def test_a_long_log_of_deliveries_is_not_read_for_each(receiver: Receiver, see: See) -> None:
    """Claims have no index: whatever is told apart by one is found by its key."""
    see()
    with CaptureQueriesContext(connection) as asked:
        deliver_due()
    told = [one["sql"].partition("WHERE")[2] for one in asked if '"detections_delivery"' in one["sql"]]
    by_claim = [condition for condition in told if '"detections_delivery"."claim" =' in condition]
    assert by_claim
    assert all('"detections_delivery"."id" =' in condition for condition in by_claim)


def test_at_last_it_is_given_up(receiver: Receiver, see: See) -> None:
    receiver.statuses = [503]
    see()
    for _ in range(len(RETRY_DELAYS_S) + 5):
        deliver_due()
        retry_now()
    assert Delivery.objects.get().state == State.FAILED
    assert len(receiver.requests) == len(RETRY_DELAYS_S) + 1


def test_a_server_that_cannot_be_reached_is_tried_again(see: See) -> None:
    ExternalServer.objects.update(url="http://127.0.0.1:9/")
    see()
    assert deliver_due() == 1
    waiting = Delivery.objects.get()
    assert waiting.state == State.PENDING
    assert "could not be reached" in waiting.last_error


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_and_not_taken_for_success(receiver: Receiver, see: See, status: int) -> None:
    receiver.statuses, receiver.location = [status], f"{receiver.url}/elsewhere"
    see()
    deliver_due()
    assert [path for path, _, _ in receiver.requests] == ["/hook"]
    waiting = Delivery.objects.get()
    assert waiting.state == State.PENDING
    assert str(status) in waiting.last_error


def test_every_active_server_gets_each_result_once(receiver: Receiver, see: See) -> None:
    ExternalServer.objects.create(name="second", url=f"{receiver.url}/second", secret=SECRET)
    ExternalServer.objects.create(name="off", url=f"{receiver.url}/off", secret=SECRET, is_active=False)
    see()
    assert deliver_due() == 2
    assert sorted(path for path, _, _ in receiver.requests) == ["/hook", "/second"]


def test_one_dead_server_does_not_hold_up_another(receiver: Receiver, see: See) -> None:
    ExternalServer.objects.create(name="dead", url="http://127.0.0.1:9/", secret=SECRET)
    see()
    deliver_due()
    assert sorted(Delivery.objects.values_list("server__name", "state")) == [
        ("dead", State.PENDING),
        ("outside", State.DELIVERED),
    ]


def test_a_server_that_was_switched_off_gets_nothing_until_it_is_on_again(
    receiver: Receiver, see: See, external: ExternalServer
) -> None:
    see()
    ExternalServer.objects.update(is_active=False)
    assert not delivering.due().exists()
    assert deliver_due() == 0
    ExternalServer.objects.update(is_active=True)
    assert deliver_due() == 1


def test_nothing_about_somebody_erased_is_delivered(receiver: Receiver, see: See) -> None:
    see()
    erasure.erase(Person.objects.get())
    assert not Delivery.objects.exists()
    assert deliver_due() == 0
    assert receiver.requests == []


def test_the_sweeper_wakes_for_what_is_due(see: See, monkeypatch: pytest.MonkeyPatch) -> None:
    woken = []
    monkeypatch.setattr(wakeup, "wake", lambda *message: woken.append(message))
    see()
    tasks.sweep()
    assert woken == [(wakeup.DELIVERY,)]
    tasks.deliver_results()
    tasks.sweep()
    assert len(woken) == 1

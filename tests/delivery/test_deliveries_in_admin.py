"""What administrators see of webhooks and do about them, beside a server that answers."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from access.models import AuditEntry
from access.roles import Role
from detections.models import Delivery, Detection, ExternalServer
from detections.webhooks.delivering import FAILURES_UNTIL_PAUSE, deliver_due
from recognition import wakeup
from tests.delivery.receiver import Receiver
from tests.web.sightings import text

See = Callable[..., Detection]
State = Delivery.State


@pytest.fixture
def admin(make_user: Callable[..., object]) -> Client:
    client = Client()
    client.force_login(make_user(Role.ADMIN))
    return client


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    tasks: list[str] = []
    monkeypatch.setattr(wakeup, "wake", lambda *message: tasks.append(message[0]))
    return tasks


def list_of(model: str) -> str:
    return reverse(f"admin:detections_{model}_changelist")


def act(client: Client, model: str, action: str, *keys: object) -> str:
    """Choose an action for rows of a list; returns the page that follows."""
    form = {"action": action, "_selected_action": [str(key) for key in keys]}
    return text(client.post(list_of(model), form, follow=True))


def save(client: Client, server: ExternalServer, **fields: str) -> None:
    """The server's form with these fields; a box that is not among them is not ticked."""
    address = reverse("admin:detections_externalserver_change", args=[server.pk])
    answer = client.post(address, {"name": server.name, "url": server.url, "wants_results": "on", **fields})
    assert answer.status_code == 302, text(answer)


def fail(receiver: Receiver, times: int) -> None:
    receiver.statuses = [500]
    for _ in range(times):
        Delivery.objects.update(due_at=Now() - timedelta(seconds=1))
        deliver_due()


def test_the_log_shows_each_attempt_with_its_answer_and_the_newest_first(
    admin: Client, external: ExternalServer, receiver: Receiver, see: See
) -> None:
    see()
    fail(receiver, 1)
    receiver.statuses = [204]
    Delivery.objects.update(due_at=Now() - timedelta(seconds=1))
    deliver_due()
    page = text(admin.get(reverse("admin:detections_delivery_change", args=[Delivery.objects.get().pk])))
    assert page.index('<td class="field-status"> <p>204</p>') < page.index('<td class="field-status"> <p>500</p>')
    assert "The server answered 500." in page
    assert not re.search(r"\bada\b", page), "the log holds nothing of who was seen"  # as a word: UUIDs hold any letters


def test_what_was_given_up_can_be_picked_out_and_sent_again_under_its_id(
    admin: Client, external: ExternalServer, receiver: Receiver, see: See, woken: list[str]
) -> None:
    see()
    see()
    deliver_due()
    lost = Delivery.objects.first()
    Delivery.objects.filter(pk=lost.pk).update(state=State.FAILED, attempts=11, last_error="The server answered 500.")
    given_up = admin.get(list_of("delivery"), {"state__exact": State.FAILED}).context["cl"].queryset
    assert list(given_up) == [lost]
    woken.clear()
    page = act(admin, "delivery", "deliver_again", lost.pk)
    assert "1 events are delivered again, under their ids." in page
    assert woken == [wakeup.DELIVERY]
    deliver_due()
    ids = [headers["webhook-id"] for _, headers, _ in receiver.requests]
    assert len(ids) == 3
    assert ids.count(str(lost.pk)) == 2
    assert not Delivery.objects.exclude(state=State.DELIVERED).exists()
    assert AuditEntry.objects.filter(kind="delivery").exists()


def test_a_server_that_wanted_no_more_is_switched_on_again(
    admin: Client, external: ExternalServer, receiver: Receiver, see: See
) -> None:
    receiver.statuses = [410]
    see()
    deliver_due()
    page = text(admin.get(list_of("externalserver")))
    assert "switched off. It answered 410" in page
    see()
    assert Delivery.objects.count() == 1, "nothing is added for a server that is off"
    save(admin, external, is_active="on")
    assert '<td class="field-state">well</td>' in text(admin.get(list_of("externalserver")))
    receiver.statuses = [200]
    told = see()
    deliver_due()
    assert Delivery.objects.get(detection=told).state == State.DELIVERED


def test_a_server_that_is_left_alone_says_until_when_and_can_be_tried_at_once(
    admin: Client, external: ExternalServer, receiver: Receiver, see: See, woken: list[str]
) -> None:
    see()
    fail(receiver, FAILURES_UNTIL_PAUSE)
    assert f"failed {FAILURES_UNTIL_PAUSE} times in a row, next try at" in text(admin.get(list_of("externalserver")))
    receiver.statuses = [200]
    asked = len(receiver.requests)
    Delivery.objects.update(due_at=Now() - timedelta(seconds=1))
    deliver_due()
    assert len(receiver.requests) == asked, "it is left alone"
    woken.clear()
    assert "1 servers are tried" in act(admin, "externalserver", "try_now", external.pk)
    assert woken == [wakeup.DELIVERY]
    deliver_due()
    assert Delivery.objects.get().state == State.DELIVERED
    assert '<td class="field-state">well</td>' in text(admin.get(list_of("externalserver")))


def test_another_name_forgives_nothing_and_another_address_everything(
    admin: Client, external: ExternalServer, receiver: Receiver, see: See
) -> None:
    see()
    fail(receiver, FAILURES_UNTIL_PAUSE)
    external.name = "gate"
    save(admin, external, is_active="on")
    assert not ExternalServer.objects.ready().exists()
    external.url = f"{receiver.url}/elsewhere"
    save(admin, external, is_active="on")
    assert ExternalServer.objects.ready().get().failures == 0


def test_a_server_that_is_off_is_not_tried_by_the_action(
    admin: Client, external: ExternalServer, receiver: Receiver, see: See
) -> None:
    see()
    save(admin, external)
    assert "0 servers are tried" in act(admin, "externalserver", "try_now", external.pk)
    deliver_due()
    assert not receiver.requests

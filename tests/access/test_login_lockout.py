"""Whoever guesses passwords is stopped, and nobody else is."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.core import serializers
from django.db.models import F
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from rest_framework.test import APIClient

from access.lockout import client_address
from access.models import ApiKey
from access.roles import Role

RIGHT = "correct horse battery"
WRONG = "wrong-guess-7351"
HERE, ELSEWHERE = "192.0.2.7", "198.51.100.9"

pytestmark = pytest.mark.django_db


def log_in(password: str, username: str = "ada", address: str = HERE, **headers: str) -> HttpResponse:
    form = {"username": username, "password": password}
    return Client(REMOTE_ADDR=address).post(reverse("login"), form, headers=headers)


@pytest.fixture
def ada(make_user: Callable[..., User]) -> User:
    return make_user(Role.VIEWER, "ada")


@pytest.fixture
def locked(ada: User) -> User:
    for _ in range(settings.AXES_FAILURE_LIMIT):
        log_in(WRONG)
    return ada


def test_after_some_wrong_passwords_even_the_right_one_has_to_wait(ada: User) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        assert log_in(WRONG).status_code == 200
    last = log_in(WRONG)
    assert last.status_code == 429
    assert "Wait 15 minutes" in last.content.decode()
    assert 890 <= int(last.headers["Retry-After"]) <= 900
    assert log_in(RIGHT).status_code == 429


def test_trying_on_does_not_make_the_wait_longer(locked: User) -> None:
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=10))
    assert "Wait 5 minutes" in log_in(WRONG).content.decode()


def test_an_account_that_does_not_exist_is_answered_the_same(locked: User) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT):
        unknown = log_in(WRONG, "nobody")
    assert (unknown.status_code, unknown.content) == (429, log_in(WRONG).content)


def test_the_account_stays_open_from_elsewhere_and_the_address_to_others(
    locked: User, make_user: Callable[..., User]
) -> None:
    make_user(Role.VIEWER, "grace")
    assert log_in(RIGHT, address=ELSEWHERE).status_code == 302
    assert log_in(RIGHT, "grace").status_code == 302


def test_another_browser_of_the_same_address_is_no_way_around(locked: User) -> None:
    assert log_in(RIGHT, **{"User-Agent": "another"}).status_code == 429


def test_when_the_time_is_over_the_right_password_opens_and_forgets(locked: User) -> None:
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - settings.AXES_COOLOFF_TIME)
    assert log_in(RIGHT).status_code == 302
    assert not AccessAttempt.objects.exists()


def test_a_login_that_succeeds_starts_the_count_again(ada: User) -> None:
    for _ in range(3):
        for _ in range(settings.AXES_FAILURE_LIMIT - 1):
            assert log_in(WRONG).status_code == 200
        assert log_in(RIGHT).status_code == 302


def test_an_administrator_unlocks_and_an_operator_cannot(locked: User, as_role: Callable[[Role], APIClient]) -> None:
    address = reverse("admin:axes_accessattempt_changelist")
    form = {"action": "unlock", "_selected_action": list(AccessAttempt.objects.values_list("pk", flat=True))}
    assert as_role(Role.OPERATOR).post(address, form, format="multipart").status_code == 403
    assert log_in(RIGHT).status_code == 429
    assert as_role(Role.ADMIN).post(address, form, format="multipart").status_code == 302
    assert log_in(RIGHT).status_code == 302


def test_neither_passwords_nor_names_are_written_down_beyond_what_the_lock_needs(
    ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.getLogger("axes").level, "axes")
    log_in(WRONG)
    log_in(RIGHT)
    log_in(WRONG)
    (attempt,) = json.loads(serializers.serialize("json", AccessAttempt.objects.all()))
    assert attempt["fields"].pop("username") == "ada"
    for secret in (WRONG, RIGHT, "ada"):
        assert secret not in json.dumps(attempt)
        assert secret not in caplog.text


@pytest.mark.parametrize(("name", "password"), [("a" * 900_000, WRONG), ("a" * 256, WRONG), ("ada", "a" * 900_000)])
def test_what_no_account_has_is_refused_without_being_written_down(ada: User, name: str, password: str) -> None:
    answer = log_in(password, name)
    assert answer.status_code == 200
    assert "Ensure this value has at most" in answer.content.decode()
    assert not AccessAttempt.objects.exists()


def test_a_lockout_leaves_programs_alone(locked: User, make_key: Callable[..., str]) -> None:
    key = make_key(ApiKey.Scope.INTEGRATION)
    client = APIClient(REMOTE_ADDR=HERE)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    assert client.get("/api/v1/debug/node-name").status_code == 200


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.5", "10.0.0.1"),  # nobody of ours wrote it
        (1, "203.0.113.5", "203.0.113.5"),
        (1, "6.6.6.6, 203.0.113.5", "203.0.113.5"),  # the client's own word stands on the left
        (2, "6.6.6.6, 203.0.113.5, 10.0.0.2", "203.0.113.5"),
        (1, "", "10.0.0.1"),
        (1, "nonsense", "127.0.0.1"),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_whose_address_counts(settings: object, proxies: int, forwarded: str, address: str) -> None:
    settings.PROXY_COUNT = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert client_address(RequestFactory(REMOTE_ADDR="10.0.0.1").get("/", headers=headers)) == address


def test_a_request_through_a_socket_of_this_machine_has_an_address_too() -> None:
    assert client_address(RequestFactory(REMOTE_ADDR="").get("/")) == "127.0.0.1"

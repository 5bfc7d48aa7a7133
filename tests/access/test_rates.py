"""A sender that asks for too much is told when to come back, before its request is read; others notice nothing."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from access import buckets
from access.models import ApiKey
from access.roles import Role
from tests.fabricated import make_camera
from tests.ingest.posting import ROOT, crop, post

NODE_NAME = "/api/v1/debug/node-name"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_buckets() -> Iterator[None]:
    """Buckets outlive a test, and keys of other tests have the same numbers."""

    def empty() -> None:
        buckets._paid_until.cast("B")[:] = bytes(buckets._paid_until.nbytes)

    empty()
    yield
    empty()


@pytest.fixture
def slow_rates(settings: object) -> object:
    """Two requests are allowed at once, and the next one after 5 s."""
    settings.MAX_KEY_REQUESTS_PER_SECOND = settings.MAX_USER_REQUESTS_PER_SECOND = 0.2
    return settings


def statuses(client: APIClient, count: int, path: str = NODE_NAME) -> list[int]:
    return [client.get(path).status_code for _ in range(count)]


def test_a_key_that_asks_too_often_is_told_when_to_come_back(
    slow_rates: object, with_key: Callable[..., APIClient]
) -> None:
    client = with_key(ApiKey.Scope.INTEGRATION)
    assert 200 in statuses(client, 3)
    answer = client.get(NODE_NAME)
    assert answer.status_code == 429
    assert answer.json()["type"] == "throttled"
    assert 0 < int(answer["Retry-After"]) <= 15


def test_another_key_notices_nothing(slow_rates: object, with_key: Callable[..., APIClient]) -> None:
    greedy = with_key(ApiKey.Scope.INTEGRATION)
    assert 429 in statuses(greedy, 5)
    assert statuses(with_key(ApiKey.Scope.INTEGRATION), 1) == [200]


def test_people_have_a_rate_of_their_own(settings: object, as_role: Callable[..., APIClient]) -> None:
    settings.MAX_USER_REQUESTS_PER_SECOND = 0.2
    assert 429 in statuses(as_role(Role.VIEWER), 5, "/api/v1/cameras")


def test_it_is_told_before_the_body_is_looked_at(slow_rates: object, with_key: Callable[..., APIClient]) -> None:
    client = with_key(ApiKey.Scope.OPERATOR)
    statuses(client, 5)
    answer = client.generic("POST", f"{ROOT}/store-results", b"no form", content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 429


def test_crops_count_too(settings: object, with_key: Callable[..., APIClient]) -> None:
    settings.MAX_CROPS_PER_SECOND = 1
    make_camera()
    client = with_key(ApiKey.Scope.OPERATOR)
    assert post(client, [crop() for _ in range(30)]).status_code == 202
    answer = post(client, [crop()])
    assert answer.status_code == 429
    assert 10 < int(answer["Retry-After"]) <= 20


def test_wrong_keys_are_limited_and_the_right_one_is_not(settings: object, make_key: Callable[..., str]) -> None:
    settings.MAX_WRONG_KEYS_PER_SECOND = 0.2
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer fs_00000000_wrong")
    tried = statuses(client, 5)
    assert tried[0] == 401
    assert tried[-1] == 429
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_key(ApiKey.Scope.INTEGRATION)}")
    assert statuses(client, 1) == [200]


def test_use_is_forgotten_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(buckets.time, "monotonic", lambda: now[0])
    bucket = str(uuid4())
    buckets.charge(bucket, 30, per_second=2)
    assert buckets.seconds_to_wait(bucket) == pytest.approx(5)
    now[0] += 5
    assert buckets.seconds_to_wait(bucket) == 0


def test_forked_processes_count_together() -> None:
    bucket = str(uuid4())
    child = os.fork()
    if child == 0:
        buckets.charge(bucket, 100, per_second=1)
        os._exit(0)
    os.waitpid(child, 0)
    assert buckets.seconds_to_wait(bucket) > 80


def test_the_web_server_imports_the_counters_before_it_forks() -> None:
    code = "import sys, facesite.webserver; sys.exit('access.buckets' not in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

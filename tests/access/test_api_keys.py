"""API keys: kept as hashes, shown once, and of no use when wrong, revoked or expired."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from access.authentication import REFUSED
from access.models import LAST_USED_RESOLUTION, ApiKey

URL = "/api/v1/debug/node-name"
Issue = Callable[..., str]


def get(header: str) -> object:
    return APIClient().get(URL, HTTP_AUTHORIZATION=header)


def test_a_key_opens_the_api(make_key: Issue) -> None:
    assert get(f"Bearer {make_key(ApiKey.Scope.INTEGRATION)}").status_code == 200


def test_no_column_holds_the_key_or_its_secret_part(make_key: Issue) -> None:
    token = make_key(ApiKey.Scope.INTEGRATION)
    secret = token.split("_", 2)[2]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM access_apikey")
        (row,) = cursor.fetchall()
    kept = b" ".join(bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for value in row)
    assert secret.encode() not in kept


def test_keys_differ_and_their_names_do_not_show_the_secret(make_key: Issue) -> None:
    tokens = {make_key(ApiKey.Scope.EDGE) for _ in range(20)}
    assert len(tokens) == 20
    assert not any(token.split("_", 2)[2] in str(key) for token in tokens for key in ApiKey.objects.all())


@pytest.mark.parametrize("state", [{"revoked_at": -1}, {"expires_at": -1}])
def test_a_revoked_or_expired_key_gets_the_same_401_as_a_wrong_one(make_key: Issue, state: dict) -> None:
    moment = {field: timezone.now() + timedelta(seconds=offset) for field, offset in state.items()}
    old = get(f"Bearer {make_key(ApiKey.Scope.INTEGRATION, **moment)}")
    wrong = get("Bearer fs_0badc0de_" + "x" * 43)
    assert (old.status_code, old.json()) == (wrong.status_code, wrong.json())
    assert old.status_code == 401
    assert old.json()["detail"] == REFUSED
    assert old["WWW-Authenticate"] == "Bearer"


def test_the_right_name_with_another_secret_is_refused(make_key: Issue) -> None:
    first, second = make_key(ApiKey.Scope.EDGE), make_key(ApiKey.Scope.EDGE)
    mixed = "_".join([*first.split("_")[:2], second.split("_", 2)[2]])
    assert get(f"Bearer {mixed}").status_code == 401


def test_a_key_that_expires_later_still_works(make_key: Issue) -> None:
    token = make_key(ApiKey.Scope.INTEGRATION, expires_at=timezone.now() + timedelta(minutes=1))
    assert get(f"Bearer {token}").status_code == 200


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(st.characters(max_codepoint=255)), st.from_regex(r"fs_[0-9a-f]*_[ -~]*", fullmatch=True)))
def test_any_bearer_text_that_is_no_key_is_refused_the_same_way(db: None, text: str) -> None:
    answer = get(f"Bearer {text}")
    assert answer.status_code == 401
    assert answer.json()["detail"] == REFUSED


def test_another_scheme_is_not_taken_for_a_key(make_key: Issue) -> None:
    assert get(f"Basic {make_key(ApiKey.Scope.OPERATOR)}").status_code == 401


def test_revoking_twice_keeps_the_first_date(make_key: Issue) -> None:
    make_key(ApiKey.Scope.EDGE)
    key = ApiKey.objects.get()
    key.revoke()
    first = key.revoked_at
    key.revoke()
    assert key.revoked_at == first


def test_use_is_recorded_but_not_with_every_request(make_key: Issue) -> None:
    header = f"Bearer {make_key(ApiKey.Scope.INTEGRATION)}"
    assert ApiKey.objects.get().last_used_at is None
    get(header)
    first = ApiKey.objects.get().last_used_at
    get(header)
    assert first is not None
    assert ApiKey.objects.get().last_used_at == first

    ApiKey.objects.update(last_used_at=first - LAST_USED_RESOLUTION)
    get(header)
    assert ApiKey.objects.get().last_used_at >= first


def test_a_refused_key_is_not_recorded_as_used(make_key: Issue) -> None:
    token = make_key(ApiKey.Scope.INTEGRATION)
    get(f"Bearer {token}x")
    assert ApiKey.objects.get().last_used_at is None

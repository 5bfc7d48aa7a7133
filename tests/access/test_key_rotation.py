"""A key is replaced without a gap: the second works before the first stops, and there are never three."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from access.admin import GRACE
from access.models import ApiKey, NotRotatableError
from access.roles import Role
from detections.joining import issue_key
from detections.models import EdgeNode
from tests.fabricated import make_camera, make_node

pytestmark = pytest.mark.django_db
CAMERAS = "/api/v1/cameras"


def get(token: str, url: str = CAMERAS) -> object:
    return APIClient().get(url, HTTP_AUTHORIZATION=f"Bearer {token}")


@pytest.fixture
def node(make_key: Callable[..., str]) -> EdgeNode:
    make_key(ApiKey.Scope.EDGE)
    return make_node(make_camera("gate"), key=ApiKey.objects.get())


@pytest.fixture
def admin(make_user: Callable[..., User]) -> Client:
    client = Client()
    client.force_login(make_user(Role.ADMIN))
    return client


def act(admin: Client, action: str, model: str, *rows: object) -> str:
    """Run an action of the admin; returns the page that follows."""
    form = {"action": action, "_selected_action": [row.pk for row in rows]}
    return admin.post(reverse(f"admin:{model}_changelist"), form, follow=True).content.decode()


def test_both_keys_work_until_the_first_is_revoked(make_key: Callable[..., str]) -> None:
    first_token = make_key(ApiKey.Scope.INTEGRATION)
    first = ApiKey.objects.get()
    second, second_token = first.rotate(None)
    assert [get(token).status_code for token in (first_token, second_token)] == [200, 200]
    first.revoke()
    assert [get(token).status_code for token in (first_token, second_token)] == [401, 200]
    assert (second.name, second.scope) == (first.name, first.scope)


def test_the_second_key_of_a_node_sees_the_same_cameras(node: EdgeNode) -> None:
    _, token = node.keys.get().rotate(None)
    assert [camera["id"] for camera in get(token).json()["results"]] == ["gate"]


def test_the_first_may_be_given_an_end_but_never_a_later_one(make_key: Callable[..., str]) -> None:
    make_key(ApiKey.Scope.EDGE)
    make_key(ApiKey.Scope.OPERATOR, expires_at=timezone.now() + timedelta(hours=1))
    endless, ending = ApiKey.objects.get(scope="edge"), ApiKey.objects.get(scope="operator")
    before = ending.expires_at
    for key in (endless, ending):
        key.rotate(None, grace=timedelta(days=1))
        key.refresh_from_db()
    assert timedelta(hours=23) < endless.expires_at - timezone.now() <= timedelta(days=1)
    assert ending.expires_at == before


def test_the_second_lives_as_long_as_the_first_was_given(make_key: Callable[..., str]) -> None:
    make_key(ApiKey.Scope.EDGE, expires_at=timezone.now() + timedelta(days=30))
    successor, _ = ApiKey.objects.get().rotate(None)
    assert timedelta(days=29) < successor.expires_at - timezone.now() <= timedelta(days=30, seconds=1)


def test_a_new_key_of_a_node_lives_as_long_as_the_one_before_was_given(node: EdgeNode) -> None:
    node.keys.update(expires_at=timezone.now() + timedelta(days=30))
    issue_key(node, None)
    assert timedelta(days=29) < node.keys.first().expires_at - timezone.now() <= timedelta(days=30, seconds=1)


def test_a_node_whose_key_was_ended_before_it_began_gets_one_that_lives(node: EdgeNode) -> None:
    node.keys.update(expires_at=timezone.now() - timedelta(days=400))
    issue_key(node, None)
    assert node.keys.first().is_live


def test_the_end_that_a_rotation_gave_a_key_is_not_passed_on(make_key: Callable[..., str]) -> None:
    make_key(ApiKey.Scope.EDGE)
    first = ApiKey.objects.get()
    lost, _ = first.rotate(None, grace=timedelta(days=1))
    lost.revoke()
    third, _ = first.rotate(None)
    assert third.expires_at is None


def test_there_is_no_third_live_key(make_key: Callable[..., str]) -> None:
    make_key(ApiKey.Scope.EDGE)
    first = ApiKey.objects.get()
    second, _ = first.rotate(None)
    for key in (first, second):
        with pytest.raises(NotRotatableError):
            key.rotate(None)
    first.revoke()
    second.rotate(None)
    assert ApiKey.objects.live().count() == 2


def test_a_dead_key_has_no_successor(make_key: Callable[..., str]) -> None:
    make_key(ApiKey.Scope.EDGE, revoked_at=timezone.now())
    with pytest.raises(NotRotatableError):
        ApiKey.objects.get().rotate(None)


def test_an_administrator_rotates_and_sees_the_secret_once(admin: Client, node: EdgeNode) -> None:
    old = node.keys.get()
    page = act(admin, "rotate_soon", "access_apikey", old)
    new = node.keys.exclude(pk=old.pk).get()
    assert f"fs_{new.public_id}_" in page
    assert "copy this secret now" in page
    assert "copy this secret now" not in admin.get(reverse("admin:access_apikey_changelist")).content.decode()
    old.refresh_from_db()
    assert old.expires_at - timezone.now() <= GRACE
    assert "Revoke one first" in act(admin, "rotate", "access_apikey", new)


def test_a_node_is_issued_two_keys_and_no_more(admin: Client, node: EdgeNode) -> None:
    act(admin, "issue_key", "detections_edgenode", node)
    assert "Revoke one first" in act(admin, "issue_key", "detections_edgenode", node)
    assert node.keys.all().live().count() == 2


def test_the_list_tells_the_day_of_the_last_use(admin: Client, make_key: Callable[..., str]) -> None:
    token = make_key(ApiKey.Scope.INTEGRATION)
    address = reverse("admin:access_apikey_changelist")
    assert "never" in admin.get(address).content.decode()
    get(token)
    page = admin.get(address).content.decode()
    assert "never" not in page
    assert timezone.localdate().strftime("%Y") in page

"""Every address of the API, every method, every kind of principal: who gets in is written down here, nowhere else."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone
from rest_framework.test import APIClient

from access.models import ApiKey
from access.roles import Role
from tests.fabricated import make_camera, make_node
from tests.ingest.posting import crop, post

STAFF = {"operator", "admin", "operator key"}
READERS = STAFF | {"viewer", "integration key"}
EDGE = {"edge key", "edge key of another site"}
SENDERS = STAFF | EDGE
STRANGERS = {"anonymous", "revoked key", "expired key"}

ALLOWED = {
    ("job", "GET"): READERS | SENDERS,
    ("models", "GET"): READERS,
    ("model", "GET"): READERS,
    ("dataset", "GET"): READERS,
    ("dataset-person", "GET"): READERS,
    ("dataset-person", "POST"): STAFF,
    ("dataset-person", "PATCH"): STAFF,
    ("dataset-person", "DELETE"): STAFF,
    ("dataset-image", "POST"): STAFF,
    ("generate-emb", "POST"): STAFF,
    ("optimized-train", "POST"): STAFF,
    ("train", "POST"): STAFF,
    ("unblock-dataset", "POST"): {"admin"},
    ("get-results", "POST"): STAFF | EDGE | {"integration key"},
    ("store-results", "POST"): SENDERS,
    ("send-results", "POST"): SENDERS,
    ("dry-run", "POST"): SENDERS,
    ("database-people", "GET"): READERS,
    ("last-known-location", "GET"): READERS,
    ("detections", "GET"): READERS,
    ("detection", "GET"): READERS,
    ("tracks", "GET"): READERS,
    ("cameras", "GET"): READERS | SENDERS,
    ("locations", "GET"): READERS,
    ("edge-node", "GET"): SENDERS,
    ("edge-crops", "POST"): SENDERS,
    ("edge-heartbeat", "POST"): SENDERS,
    ("debug-ip", "GET"): READERS,
    ("debug-node-name", "GET"): READERS,
}


def patterns() -> Iterator[URLPattern]:
    (api,) = [one for one in get_resolver().url_patterns if str(one.pattern) == "api/v1/"]
    for included in api.url_patterns:
        yield from included.url_patterns


def endpoints() -> set[tuple[str, str]]:
    offered = {"GET", "POST", "PUT", "PATCH", "DELETE"}
    return {
        (pattern.name, method)
        for pattern in patterns()
        for method in offered
        if hasattr(pattern.callback.cls, method.lower())
    }


def address(name: str) -> str:
    (pattern,) = [one for one in patterns() if one.name == name]
    kinds = pattern.pattern.converters
    values = {key: UUID(int=1) if "UUID" in type(kind).__name__ else 1 for key, kind in kinds.items()}
    return reverse(name, kwargs=values)


@pytest.fixture
def principals(make_user: Callable[..., object], make_key: Callable[..., str]) -> dict[str, APIClient]:
    def person(role: Role | None) -> APIClient:
        client = APIClient()
        client.force_login(make_user(role))
        return client

    def program(scope: ApiKey.Scope, **fields: object) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_key(scope, **fields)}")
        return client

    past = timezone.now() - timedelta(seconds=1)
    elsewhere = program(ApiKey.Scope.EDGE)
    make_node(make_camera("elsewhere"), key=ApiKey.objects.get())
    return {
        "edge key of another site": elsewhere,
        "anonymous": APIClient(),
        "account without role": person(None),
        **{str(role): person(role) for role in Role},
        **{f"{scope} key": program(scope) for scope in ApiKey.Scope},
        "revoked key": program(ApiKey.Scope.OPERATOR, revoked_at=past),
        "expired key": program(ApiKey.Scope.OPERATOR, expires_at=past),
    }


def test_a_key_of_another_site_gets_in_and_reaches_nothing_of_this_one(principals: dict[str, APIClient]) -> None:
    make_camera("here")
    client = principals["edge key of another site"]
    assert [camera["id"] for camera in client.get("/api/v1/cameras").json()["results"]] == ["elsewhere"]
    assert [camera["id"] for camera in client.get("/api/v1/edge/node").json()["cameras"]] == ["elsewhere"]
    news = {"tracks": [["here", "t"]], "beats": [[0, timezone.now().isoformat()]]}
    assert client.post("/api/v1/edge/heartbeat", news).json()["tracks"] == ["refused"]
    for path in ("store-results", "send-results"):
        answer = post(client, [crop(camera="here")], to=path)
        assert (answer.status_code, answer.json()["rejected"][0]["code"]) == (400, "unknown-camera")


def test_every_endpoint_is_in_the_table_and_nothing_else() -> None:
    assert endpoints() == set(ALLOWED)


@pytest.mark.parametrize(("name", "method"), sorted(ALLOWED))
def test_only_those_in_the_table_get_in(name: str, method: str, principals: dict[str, APIClient]) -> None:
    url = address(name)
    outcome = {who: client.generic(method, url).status_code for who, client in principals.items()}
    let_in = {who for who, status in outcome.items() if status not in {401, 403}}
    assert let_in == ALLOWED[name, method]
    assert {who for who, status in outcome.items() if status == 401} == STRANGERS

"""Every page of the site and of the admin, and every kind of visitor: who gets in is written down here.

The pages are found by walking the URL map, so a new one without a rule fails. The API has a table of its own.
"""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from access.models import ApiKey
from access.roles import Role
from tests.fabricated import make_camera, make_node

PROGRAMS = {"revoked key", "edge key of another site", "operator key"}
STAFF, NOBODY, ADMIN = {"operator", "admin"}, set(), {"admin"}
READERS = STAFF | {"viewer"}
ACCOUNTS = READERS | {"account without role"}
EVERYONE = ACCOUNTS | PROGRAMS | {"anonymous"}

SITE = {
    "schema": EVERYONE - {"revoked key"},
    "docs": EVERYONE - {"revoked key"},
    "healthz": EVERYONE,
    "readyz": EVERYONE,
    "metrics": NOBODY,  # but for the bearer of METRICS_TOKEN: tests/site/test_metrics.py
    "login": EVERYONE,
    "logout": ACCOUNTS,
    "dashboard": READERS,
    "plans-page": READERS,
    "plan-page": READERS,
    "plan-image": READERS,
    "plan-edit": STAFF,
    "map-page": READERS,
    "people-page": READERS,
    "person-page": READERS,
    "person-photo": READERS,
    "names": STAFF,
    "detections-page": READERS,
    "correct-page": STAFF,
    "photo-search": STAFF,
    "tracks-page": READERS,
    "export": READERS,
    "face-image": READERS,
    "model-page": READERS,
    "model-effect": READERS,
    "model-progress": READERS,
    "model-train": STAFF,
    "model-rate": STAFF,
    "model-serve": STAFF,
    "cameras-page": READERS,
    "camera-page": READERS,
    "node-add": ADMIN,
    "node-key": ADMIN,
    "health-page": READERS,
    "health-again": STAFF,
    "admin:index": STAFF,
    "admin:login": NOBODY,  # there is one login page for everything
    "admin:logout": ACCOUNTS,
    "admin:password_change": STAFF,
    "admin:password_change_done": STAFF,
    "admin:autocomplete": NOBODY,  # no field uses it
    "admin:jsi18n": STAFF,
    "admin:view_on_site": STAFF,
    "admin:app_list": STAFF,
    "admin:auth_user_password_change": ADMIN,
    "admin:people_person_train": STAFF,
    "admin:people_photo_image": STAFF,
    "admin:people_person_photos": STAFF,
    "admin:people_import_photos": STAFF,
    "admin:people_import_start": STAFF,
    "admin:people_import_progress": STAFF,
}
# Unknown addresses under the API and the admin, and the admin's short forms of its own.
UNNAMED = {"^api/", "(?P<url>.*)$", "<path:object_id>/"}

# By model: who opens it, who adds rows, who deletes them.
FULL, READ_ONLY, READ_ONLY_STAFF = (ADMIN, ADMIN, ADMIN), (ADMIN, NOBODY, NOBODY), (STAFF, NOBODY, NOBODY)
MODELS = {
    "auth_user": FULL,
    "access_apikey": (ADMIN, ADMIN, NOBODY),
    "access_auditentry": READ_ONLY,
    "axes_accessattempt": READ_ONLY,
    "recognition_trainedmodel": READ_ONLY_STAFF,
    "recognition_job": READ_ONLY_STAFF,
    "people_person": (STAFF, STAFF, STAFF),
    "people_persongroup": (STAFF, STAFF, STAFF),
    "people_mixup": READ_ONLY_STAFF,
    "people_import": (STAFF, STAFF, NOBODY),
    "detections_location": FULL,
    "detections_camera": (ADMIN, ADMIN, NOBODY),  # only one that never saw anything may be deleted
    "detections_edgenode": FULL,
    "detections_externalserver": FULL,
    "detections_crop": READ_ONLY,
    "detections_delivery": READ_ONLY,
    "detections_search": READ_ONLY,
    "detections_detection": READ_ONLY_STAFF,
    "detections_track": READ_ONLY_STAFF,
    "detections_lastseen": READ_ONLY_STAFF,
}


def walk(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every page with its full name; the API and what has a name of none come by their route."""
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            if str(one.pattern) != "api/v1/":
                yield from walk(one, f"{one.namespace}:" if one.namespace else prefix)
        else:
            yield (prefix + one.name if one.name else str(one.pattern)), one


def rules() -> dict[str, set[str]]:
    by_page = {}
    for model, (read, add, delete) in MODELS.items():
        pages = {"changelist": read, "add": add, "change": read, "history": read, "delete": delete}
        by_page |= {f"admin:{model}_{page}": who for page, who in pages.items()}
    # The list shows all of it, and who looked at one person's row would have to be on record.
    return SITE | by_page | {"admin:detections_lastseen_history": NOBODY}


@pytest.fixture
def visitors(make_user: Callable[..., User], make_key: Callable[..., str]) -> dict[str, Client]:
    def account(role: Role | None) -> Client:
        client = Client(raise_request_exception=False)
        client.force_login(make_user(role))
        return client

    def program(scope: ApiKey.Scope, **fields: object) -> Client:
        token = make_key(scope, **fields)
        return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})

    edge = program(ApiKey.Scope.EDGE)
    make_node(make_camera("elsewhere"), key=ApiKey.objects.get())
    return {
        "anonymous": Client(),
        "revoked key": program(ApiKey.Scope.OPERATOR, revoked_at=timezone.now()),
        "edge key of another site": edge,
        "operator key": program(ApiKey.Scope.OPERATOR),
        "account without role": account(None),
        **{str(role): account(role) for role in Role},
    }


def let_in(answer: HttpResponse) -> bool:
    return answer.status_code not in {401, 403} and "/login/" not in answer.headers.get("Location", "")


def address(name: str) -> str:
    pattern = dict(walk(get_resolver()))[name]
    known = {"pk": UUID(int=0), "app_label": "people"}
    wanted = {*pattern.pattern.converters, *pattern.pattern.regex.groupindex}
    return reverse(name, kwargs={key: known.get(key, "0") for key in wanted})


def test_every_page_has_a_rule_and_every_rule_a_page() -> None:
    assert {name for name, _ in walk(get_resolver())} == {*rules(), *UNNAMED}


def test_every_model_of_the_admin_is_governed_by_roles() -> None:
    assert {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry} == set(MODELS)


@pytest.mark.parametrize("name", sorted(SITE))
def test_only_those_in_the_table_open_a_page(name: str, visitors: dict[str, Client]) -> None:
    assert {who for who, client in visitors.items() if let_in(client.get(address(name)))} == SITE[name]


@pytest.mark.slow
@pytest.mark.parametrize("model", sorted(MODELS))
def test_only_those_in_the_table_open_a_page_of_the_admin(
    model: str, visitors: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whether there is a row comes after who may see it, except in the history: there a row must seem to be.
    for page in ("changelist", "add", "change", "delete", "history"):
        if page == "history":
            monkeypatch.setattr(ModelAdmin, "get_object", lambda self, *_: self.model())
        name = f"admin:{model}_{page}"
        opened = {who for who, client in visitors.items() if let_in(client.get(address(name)))}
        assert opened == rules()[name], name

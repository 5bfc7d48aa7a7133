"""Whoever changes something is on record, whichever way they do it; and nobody can change the record."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from access import audit
from access.models import ApiKey, AuditEntry
from access.roles import Role
from detections.models import Camera, EdgeNode, ExternalServer, Location
from people.erasure import remembered_as
from people.models import Person
from tests.access.test_authorisation_matrix import ALLOWED, address
from tests.fabricated import make_person
from tests.photographs import portrait, upload

# Calls that change something and are no change of what administrators answer for: crops, heartbeats and questions.
NOT_CHANGES = {"get-results", "store-results", "send-results", "dry-run", "edge-crops", "edge-heartbeat"}
BASIS = {"legal_basis": "consent", "legal_basis_date": "2026-01-01"}

pytestmark = pytest.mark.django_db


def entries() -> list[tuple[str, str, str]]:
    return [(one.actor, one.action, one.kind) for one in AuditEntry.objects.order_by("pk")]


@pytest.fixture
def admin(make_user: Callable[..., User]) -> Client:
    client = Client()
    client.force_login(make_user(Role.ADMIN, "root"))
    return client


def add(admin: Client, model: str, **fields: object) -> None:
    answer = admin.post(reverse(f"admin:{model}_add"), fields)
    assert answer.status_code == 302, answer.context["errors"]


def act(admin: Client, action: str, model: str, *rows: object, **fields: object) -> None:
    form = {"action": action, "_selected_action": [row.pk for row in rows]} | fields
    assert admin.post(reverse(f"admin:{model}_changelist"), form).status_code == 302


@pytest.mark.parametrize(
    ("name", "method"),
    sorted(one for one in ALLOWED if one[1] != "GET" and one[0] not in NOT_CHANGES),
)
@pytest.mark.usefixtures("storage")
def test_every_call_that_changes_something_is_on_record(make_user: object, name: str, method: str) -> None:
    client = APIClient()
    client.force_login(make_user(Role.ADMIN, "root"))
    if (name, method) != ("dataset-person", "POST"):
        make_person("1")
    body = upload(portrait()) if name == "dataset-image" else BASIS
    form = "multipart" if name == "dataset-image" else "json"
    assert getattr(client, method.lower())(address(name), body, format=form).status_code < 300
    # A lease that is not held is released for nobody.
    assert bool(entries()) == (name != "unblock-dataset")
    assert {actor for actor, _, _ in entries()} <= {"root"}


def test_a_key_is_on_record_by_its_name_and_public_part(make_key: Callable[..., str]) -> None:
    token = make_key(ApiKey.Scope.OPERATOR)
    APIClient().post("/api/v1/dataset/ada", BASIS, HTTP_AUTHORIZATION=f"Bearer {token}")
    ((actor, action, kind),) = entries()
    assert (action, kind) == ("add", "person")
    assert token.split("_")[1] in actor
    assert token.split("_", 2)[2] not in actor


def test_what_was_refused_is_not_on_record_as_done(admin: Client, make_key: Callable[..., str]) -> None:
    for scope in (ApiKey.Scope.EDGE, ApiKey.Scope.OPERATOR):
        make_key(scope)
    edge, operator = (ApiKey.objects.get(scope=scope) for scope in (ApiKey.Scope.EDGE, ApiKey.Scope.OPERATOR))
    edge.rotate(None)
    act(admin, "rotate", "access_apikey", edge, operator)
    assert list(AuditEntry.objects.values_list("action", "subject")) == [("rotate", str(operator.pk))]


def test_what_was_so_already_is_not_on_record_as_done(admin: Client) -> None:
    former, live = (ApiKey(name=name, scope=ApiKey.Scope.INTEGRATION) for name in ("former", "live"))
    for key in (former, live):
        key.issue()
    former.revoke()
    act(admin, "revoke", "access_apikey", former, live)
    assert list(AuditEntry.objects.values_list("action", "subject")) == [("revoke", str(live.pk))]


def test_every_form_of_the_admin_is_on_record(admin: Client) -> None:
    settings = {"settings-TOTAL_FORMS": 0, "settings-INITIAL_FORMS": 0}
    add(admin, "detections_location", name="Gate")
    add(admin, "detections_camera", id="gate", name="Gate", location=Location.objects.get().pk, **settings)
    add(admin, "detections_edgenode", name="north", cameras=["gate"])
    add(admin, "detections_externalserver", name="door", url="https://door.example/")
    add(admin, "access_apikey", name="script", scope="integration")
    camera = reverse("admin:detections_camera_change", args=["gate"])
    admin.post(camera, {"name": "Main gate", "location": Location.objects.get().pk} | settings)
    admin.post(reverse("admin:detections_camera_delete", args=["gate"]), {"post": "yes"})
    assert not Camera.objects.exists()
    assert entries() == [
        ("root", "add", "location"),
        ("root", "add", "camera"),
        ("root", "add", "edge node"),
        ("root", "add", "external server"),
        ("root", "add", "API key"),
        ("root", "change", "camera"),
        ("root", "delete", "camera"),
    ]


def test_every_action_of_the_admin_is_on_record_with_its_rows(admin: Client) -> None:
    key = ApiKey(name="script", scope=ApiKey.Scope.INTEGRATION)
    key.issue()
    server = ExternalServer.objects.create(name="door", url="https://door.example/")
    act(admin, "rotate", "access_apikey", key)
    act(admin, "revoke", "access_apikey", key)
    act(admin, "renew_secret", "detections_externalserver", server)
    act(admin, "issue_key", "detections_edgenode", EdgeNode.objects.create(name="north"))
    assert [action for _, action, _ in entries()] == ["rotate", "revoke", "renew_secret", "issue_key"]
    assert AuditEntry.objects.get(action="revoke").subject == str(key.pk)
    assert server.secret not in str(list(AuditEntry.objects.values()))


def test_an_action_on_very_many_rows_is_one_entry(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "NOTED_SINGLY", 1)
    servers = [ExternalServer.objects.create(name=name, url="https://door.example/") for name in ("a", "b")]
    act(admin, "renew_secret", "detections_externalserver", *servers)
    assert AuditEntry.objects.get().details == {"count": 2}


def test_a_change_of_role_says_to_which(admin: Client, make_user: Callable[..., User]) -> None:
    ada = make_user(Role.VIEWER, "ada")
    operators = Group.objects.get_or_create(name=Role.OPERATOR)[0]
    form = {"username": "ada", "is_active": "on", "groups": [operators.pk], "date_joined_0": "2026-01-01"}
    admin.post(reverse("admin:auth_user_change", args=[ada.pk]), form)
    entry = AuditEntry.objects.get(kind="user")
    assert (entry.subject, entry.details["roles"]) == (str(ada.pk), "operator")


@pytest.mark.usefixtures("storage")
def test_erasure_leaves_of_a_person_only_that_it_happened(admin: Client, operator: APIClient) -> None:
    operator.post("/api/v1/dataset/Ada Lovelace", BASIS)
    person = Person.objects.get()
    operator.post("/api/v1/dataset/Ada Lovelace/image", upload(portrait()), format="multipart")
    operator.patch("/api/v1/dataset/Ada Lovelace", {"legal_basis": "contract"})
    make_person("grace")
    assert AuditEntry.objects.filter(subject=person.label).count() == 3
    act(admin, "delete_selected", "people_person", person, confirmed="yes")
    (left,) = AuditEntry.objects.all()
    assert (left.actor, left.action, left.subject, left.details) == ("root", "erase", remembered_as(person), {})
    assert person.label not in str(list(AuditEntry.objects.values()))


def test_names_are_never_in_it(operator: APIClient) -> None:
    operator.post("/api/v1/dataset/Ada Lovelace", BASIS)
    operator.patch("/api/v1/dataset/Ada Lovelace", {"legal_basis_expires": "2031-05-06"})
    written = str(list(AuditEntry.objects.values()))
    assert "Ada" not in written
    assert "2031-05" not in written  # microseconds and UUIDs hold any four digits


def test_only_administrators_read_it_and_nobody_changes_it(
    admin: Client, as_role: Callable[[Role], APIClient], operator: APIClient
) -> None:
    operator.post("/api/v1/dataset/ada", BASIS)
    entry = AuditEntry.objects.get()
    page = reverse("admin:access_auditentry_changelist")
    assert entry.subject in admin.get(page).content.decode()
    assert operator.get(page).status_code == 403
    for address_ in ("change", "delete"):
        admin.post(reverse(f"admin:access_auditentry_{address_}", args=[entry.pk]), {"actor": "x", "post": "yes"})
    admin.post(page, {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})
    assert list(AuditEntry.objects.values_list("actor", flat=True)) == ["operator"]


def test_a_change_that_fails_is_not_on_record(admin: Client, operator: APIClient, storage: Path) -> None:
    make_person("ada")
    assert operator.post("/api/v1/dataset/ada", BASIS).status_code == 409
    assert operator.patch("/api/v1/dataset/ada", {"legal_basis": "none"}).status_code == 400
    assert admin.post(reverse("admin:detections_location_add"), {}).status_code == 200
    assert entries() == []

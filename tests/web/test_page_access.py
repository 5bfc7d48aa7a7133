"""Who sees which page, and the way in and out."""

from collections.abc import Callable
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from access.roles import Role
from tests.web.sightings import text

PAGES = [reverse("dashboard"), reverse("detections-page"), reverse("face-image", args=[UUID(int=0)])]
OPERATORS = ["people_person", "recognition_job", "recognition_trainedmodel", "detections_detection"]
ADMINISTRATORS = ["access_apikey", "auth_user", "detections_camera", "detections_edgenode", "detections_crop"]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("page", [*PAGES, "/admin/", "/admin/people/person/"])
def test_a_stranger_is_asked_to_log_in(client: Client, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(f"/login/?next={page}")


@pytest.mark.parametrize("page", PAGES)
def test_an_account_without_a_role_is_told_whom_to_ask(visit_as: Callable[..., Client], page: str) -> None:
    answer = visit_as(None).get(page)
    assert answer.status_code == 403
    assert "Your account has no role yet. Ask an administrator" in text(answer)


def test_only_those_who_may_enrol_are_shown_the_way_to_the_admin(viewer: Client, operator: Client) -> None:
    assert 'href="/admin/' not in text(viewer.get("/"))
    assert 'href="/admin/people/person/add/"' in text(operator.get("/"))


def test_a_viewer_is_kept_out_of_the_admin(viewer: Client) -> None:
    for model in OPERATORS + ADMINISTRATORS:
        assert viewer.get(reverse(f"admin:{model}_changelist")).status_code == 302
    assert viewer.get(reverse("admin:people_photo_image", args=[UUID(int=0)])).status_code == 302
    assert viewer.post(reverse("admin:people_person_train")).status_code == 302


@pytest.mark.parametrize("model", OPERATORS)
def test_an_operator_reaches_people_jobs_models_and_detections(operator: Client, model: str) -> None:
    assert operator.get(reverse(f"admin:{model}_changelist")).status_code == 200


@pytest.mark.parametrize("model", ADMINISTRATORS)
def test_cameras_keys_accounts_and_the_inbox_are_the_administrators(
    operator: Client, admin: Client, model: str
) -> None:
    address = reverse(f"admin:{model}_changelist")
    assert operator.get(address).status_code == 403
    assert admin.get(address).status_code == 200


def test_logging_in_leads_to_the_page_that_was_asked_for(client: Client, make_user: Callable[..., User]) -> None:
    make_user(Role.VIEWER, "ada")
    form = {"username": "ada", "password": "correct horse battery", "next": "/detections/"}
    assert client.post(reverse("login"), form).headers["Location"] == "/detections/"


def test_logging_in_never_leads_to_another_site(client: Client, make_user: Callable[..., User]) -> None:
    make_user(Role.VIEWER, "ada")
    form = {"username": "ada", "password": "correct horse battery", "next": "https://evil.example/"}
    assert client.post(reverse("login"), form).headers["Location"] == reverse("dashboard")


def test_a_wrong_password_is_said_beside_the_form(client: Client, make_user: Callable[..., User]) -> None:
    make_user(Role.VIEWER, "ada")
    answer = client.post(reverse("login"), {"username": "ada", "password": "wrong"})
    assert "Please enter a correct username and password" in text(answer)


def test_logging_out_takes_a_post_and_closes_the_pages(viewer: Client) -> None:
    assert viewer.get(reverse("logout")).status_code == 405
    assert viewer.get("/").status_code == 200
    assert viewer.post(reverse("logout")).status_code == 302
    assert viewer.get("/").status_code == 302


def test_a_board_whose_session_ended_reloads_the_whole_page(client: Client) -> None:
    answer = client.get("/?version=old", headers={"HX-Request": "true"}, follow=True)
    assert answer.headers["HX-Refresh"] == "true"
    assert answer.content == b""


def test_pages_with_personal_data_are_not_kept_by_the_browser(viewer: Client) -> None:
    for page in ("/", "/detections/"):
        assert "no-store" in viewer.get(page).headers["Cache-Control"]

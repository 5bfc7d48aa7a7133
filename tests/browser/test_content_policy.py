"""Every page works under the content policy, and what somebody manages to put into one does not run."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from playwright.sync_api import Page, expect

from access.models import ApiKey
from access.roles import Role
from detections.models import EdgeNode, ExternalServer
from people.models import Person
from tests.fabricated import make_person
from tests.web.sightings import detect

WATCH = """window.refused = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.refused.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
})"""

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def watched(page: Page, log_in: Callable[[Role], None]) -> Page:
    """A page that notes what the policy refuses, in a site with one row of everything."""
    page.add_init_script(WATCH)
    log_in(Role.ADMIN)
    detect(make_person("ada"), camera="gate")
    detect(None)
    EdgeNode.objects.create(name="north")
    ExternalServer.objects.create(name="door", url="https://door.example/")
    ApiKey(name="script", scope=ApiKey.Scope.INTEGRATION).issue()
    return page


def pages_of(model: type[Model]) -> Iterator[str]:
    """The admin's pages of a model that this administrator may open."""
    base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    yield reverse(f"{base}_changelist")
    yield reverse(f"{base}_add")
    for row in model.objects.all()[:1]:
        yield from (reverse(f"{base}_{page}", args=[row.pk]) for page in ("change", "delete", "history"))


def visit(page: Page, address: str, complaints: list[str]) -> None:
    answer = page.goto(address)
    assert answer is not None
    assert "'unsafe" not in answer.headers["content-security-policy"], address
    if answer.status == 403:  # some rows nobody may add, change or delete
        complaints.clear()
    assert (address, page.evaluate("window.refused"), complaints) == (address, [], [])


def test_pages_and_forms_work_under_the_policy(watched: Page, complaints: list[str]) -> None:
    for address in (reverse("dashboard"), reverse("detections-page"), *pages_of(Person)):
        visit(watched, address, complaints)


@pytest.mark.slow
def test_so_does_every_page_of_the_admin(watched: Page, complaints: list[str]) -> None:
    for address in (address for model in admin.site._registry for address in pages_of(model)):
        visit(watched, address, complaints)


def test_the_documentation_can_be_tried_out(watched: Page, complaints: list[str]) -> None:
    visit(watched, reverse("docs"), complaints)
    watched.locator("#operations-dataset-dataset_list .opblock-summary").click()
    watched.get_by_role("button", name="Try it out").click()
    watched.get_by_role("button", name="Execute").click()
    expect(watched.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    expect(watched.locator(".live-responses-table")).to_contain_text("ada")
    assert watched.evaluate("window.refused") == []


def test_what_is_put_into_a_page_does_not_run(watched: Page, complaints: list[str]) -> None:
    visit(watched, reverse("dashboard"), complaints)
    inserted = "<img src='data:,' onerror='window.ran = true'><iframe src='https://elsewhere.example/'></iframe>"
    watched.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", inserted)
    watched.wait_for_function("window.refused.length >= 2")
    assert watched.evaluate("window.ran") is None
    complaints.clear()

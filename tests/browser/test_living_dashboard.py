"""The dashboard follows what happens without being touched, and says so when it cannot."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, Route, expect

from access.roles import Role
from tests.fabricated import make_person
from tests.web.sightings import detect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def dashboard(page: Page, log_in: Callable[[Role], None]) -> Page:
    """Open, and marked so that a reload would show."""
    log_in(Role.VIEWER)
    detect(make_person("ada"), timedelta(minutes=10))
    page.goto("/")
    page.evaluate("window.untouched = true")
    return page


def test_a_new_sighting_appears_by_itself(dashboard: Page) -> None:
    expect(dashboard.locator("tr[data-face-id]")).to_have_count(1)
    detect(make_person("grace"), camera="lab")
    first = dashboard.locator("tr[data-face-id]").first
    expect(first).to_have_attribute("data-face-id", "grace")
    expect(first).to_contain_text("just now")
    assert dashboard.evaluate("window.untouched")


def test_the_keyboard_stays_where_it_was_when_the_board_changes(dashboard: Page) -> None:
    dashboard.get_by_role("link", name="ada").focus()
    detect(make_person("grace"))
    expect(dashboard.locator("tr[data-face-id]")).to_have_count(2)
    expect(dashboard.get_by_role("link", name="ada")).to_be_focused()


def test_a_hidden_tab_asks_nothing_and_catches_up_when_shown(dashboard: Page) -> None:
    hide = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true}); }"
    dashboard.evaluate(hide, True)
    asked: list[str] = []
    dashboard.on("request", lambda request: asked.append(request.url))
    detect(make_person("grace"))
    dashboard.wait_for_timeout(2500)
    assert asked == []
    dashboard.evaluate(hide, False)
    show = """() => {
        let sent = 0;
        document.addEventListener("htmx:beforeSend", () => sent++);
        document.dispatchEvent(new Event("visibilitychange"));
        return sent;
    }"""
    assert dashboard.evaluate(show) == 1, "it asks at once"
    expect(dashboard.locator("tr[data-face-id]")).to_have_count(2)


def test_a_server_that_does_not_answer_is_said_until_it_does(dashboard: Page, complaints: list[str]) -> None:
    warning = dashboard.get_by_text("The server does not answer.")
    expect(warning).to_be_hidden()

    def fail(route: Route) -> None:
        route.abort()

    dashboard.route("**/*version=*", fail)
    expect(warning).to_be_visible()
    dashboard.unroute("**/*version=*", fail)
    expect(warning).to_be_hidden()
    complaints.clear()


def test_a_session_that_ends_leads_to_the_login(dashboard: Page) -> None:
    Session.objects.all().delete()
    expect(dashboard.get_by_role("heading", name="Log in")).to_be_visible()


@pytest.mark.slow
def test_the_search_follows_the_typing_and_stays_in_the_address(dashboard: Page) -> None:
    detect(make_person("grace"))
    expect(dashboard.locator("tr[data-face-id]")).to_have_count(2)
    dashboard.get_by_label("Name").press_sequentially("gra")
    expect(dashboard.locator("tr[data-face-id]")).to_have_count(1)
    expect(dashboard).to_have_url(re.compile(r"/\?q=gra$"))
    dashboard.get_by_label("Shown as").select_option("cards")
    expect(dashboard.locator(".card.person")).to_have_attribute("data-face-id", "grace")
    assert dashboard.evaluate("window.untouched")
    dashboard.reload()
    expect(dashboard.locator(".card.person")).to_have_count(1)

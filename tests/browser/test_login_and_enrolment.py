"""From the login to an enrolled person, as somebody at a keyboard does it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from access.roles import Role
from recognition.engine.packs import Pack
from tests.photographs import faceless, portrait

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_logging_in_and_out_needs_no_mouse(page: Page, make_user: Callable[..., User]) -> None:
    make_user(Role.VIEWER, "ada")
    page.goto("/detections/")
    # The browser moves the keyboard there on its own, a moment after the page is loaded.
    expect(page.get_by_label("Username:")).to_be_focused()
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Detections", exact=True)).to_be_visible()
    page.get_by_role("button", name="Log out").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


@pytest.fixture
def without_scripts(
    chromium: Browser, context: BrowserContext, live_server: LiveServer
) -> Iterator[Callable[[], Page]]:
    """Opens a page for whoever is logged in, in a browser that runs no script."""
    plain = chromium.new_context(base_url=live_server.url, java_script_enabled=False)

    def open_page() -> Page:
        plain.add_cookies(context.cookies())
        return plain.new_page()

    yield open_page
    plain.close()


@pytest.mark.slow
def test_photos_are_chosen_together_and_judged_without_any_script(
    without_scripts: Callable[[], Page], log_in: Callable[[Role], None], pack: Pack, storage: Path, tmp_path: Path
) -> None:
    for name, data in {"good.jpg": portrait(), "empty-room.jpg": faceless()}.items():
        (tmp_path / name).write_bytes(data)
    log_in(Role.OPERATOR)
    page = without_scripts()
    page.goto("/")
    page.get_by_role("link", name="Enrol", exact=True).first.click()
    page.wait_for_load_state()  # which link is the last is known only then
    page.get_by_role("link", name="People", exact=True).last.click()
    page.get_by_role("link", name="Add person").click()
    page.get_by_label("Face id").fill("Eileen Collins")
    page.get_by_label("Legal basis").select_option("consent")
    page.get_by_label("Since").fill("2026-01-01")
    page.get_by_label("Add photos").set_input_files([tmp_path / "good.jpg", tmp_path / "empty-room.jpg"])
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("“good.jpg”: Accepted.")).to_be_visible()
    expect(page.get_by_text("“empty-room.jpg”: No face was found.")).to_be_visible()
    expect(page.locator(".photos .refused")).to_have_count(1)

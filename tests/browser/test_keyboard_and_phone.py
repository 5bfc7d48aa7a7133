"""Without a mouse, and on a phone: log in, search, open who was found, use the menu, add a node."""

from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from access.roles import Role
from detections.models import EdgeNode
from tests.fabricated import make_person
from tests.web.sightings import detect

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def browser_in(chromium: Browser, live_server: LiveServer, make_user: Callable[..., User]) -> Iterator[Callable]:
    """A page of a viewer whose machine is set to a zone."""
    client, contexts = Client(), []
    client.force_login(make_user(Role.VIEWER))

    def open_page(zone: str) -> Page:
        contexts.append(chromium.new_context(base_url=live_server.url, timezone_id=zone))
        session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        contexts[-1].add_cookies([session])
        return contexts[-1].new_page()

    yield open_page
    for context in contexts:
        context.close()


def tab_to(page: Page, name: str, steps: int = 40) -> None:
    """Press Tab until what is so named has the keyboard."""
    for _ in range(steps):
        page.keyboard.press("Tab")
        if page.evaluate("(document.activeElement.ariaLabel || document.activeElement.innerText || '').trim()") == name:
            return
    pytest.fail(f"the keyboard does not reach {name!r}")


def test_from_the_login_to_a_person(page: Page, make_user: Callable[..., User]) -> None:
    make_user(Role.VIEWER, "ada")
    for name in ("Grace Hopper", "Eileen Collins"):
        detect(make_person(name))
    page.goto("/")
    expect(page.get_by_label("Username:")).to_be_focused()
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    page.get_by_role("searchbox").focus()
    page.keyboard.type("hopper")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Eileen Collins")).to_have_count(0)
    tab_to(page, "Grace Hopper")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "q=" not in url)
    expect(page.get_by_text("Grace Hopper").first).to_be_visible()


def test_the_menu_of_a_phone(page: Page, log_in: Callable[[Role], None]) -> None:
    log_in(Role.VIEWER)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/")
    cameras = page.get_by_role("link", name="Cameras")
    expect(cameras).to_be_hidden()
    tab_to(page, "Menu")
    page.keyboard.press("Enter")
    expect(cameras).to_be_visible()
    page.keyboard.press("Escape")
    expect(cameras).to_be_hidden()
    page.keyboard.press("Enter")
    tab_to(page, "Cameras")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Cameras and edge nodes")).to_be_visible()


def test_a_node_is_added_and_its_lines_are_copied(page: Page, log_in: Callable[[Role], None]) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log_in(Role.ADMIN)
    page.goto("/cameras/")
    tab_to(page, "Add a node with its cameras")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name of the node")).to_be_focused()
    page.keyboard.type("Lodge box")
    page.keyboard.press("Tab")
    page.keyboard.type("Main entrance")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Front door")
    page.keyboard.press("Tab")
    page.keyboard.type("rtsp://192.168.1.20/stream1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Start Lodge box")).to_be_visible()
    tab_to(page, "Copy")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "echo fs_" in copied
    # What the server hears of it appears by itself.
    heard = page.locator(".node")
    expect(heard).to_contain_text("not heard yet")
    EdgeNode.objects.update(last_error="cannot reach it", last_seen_at=EdgeNode.objects.get().keys.get().created_at)
    expect(heard).to_contain_text("cannot reach it", timeout=15_000)


def test_times_are_in_the_viewers_zone(browser_in: Callable[[str], Page]) -> None:
    seen = detect(make_person("ada")).captured_at
    for zone in ("Asia/Tokyo", "America/St_Johns"):
        page = browser_in(zone)
        page.goto("/")  # the first page tells the server which zone this is
        page.goto("/detections/")
        expect(page.get_by_text(f"{seen.astimezone(ZoneInfo(zone)):%H:%M:%S}").first).to_be_visible()

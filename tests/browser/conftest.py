"""A real Chromium, one for all tests, and a page of it that must stay without complaints."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from access.roles import Role
from tests.browser.chromium import launch, program
from tests.conftest import required
from tests.photographs import portrait


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            # One worker, so that there is one Chromium.
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def webcam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the browser's fake camera shows, again and again: a portrait."""
    image = cv2.resize(cv2.imdecode(np.frombuffer(portrait(), np.uint8), cv2.IMREAD_COLOR), (640, 640))
    frame = b"FRAME\n" + cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420).tobytes()
    file = tmp_path_factory.mktemp("webcam") / "portrait.y4m"
    file.write_bytes(b"YUV4MPEG2 W640 H640 F10:1 Ip A1:1 C420jpeg\n" + 5 * frame)
    return file


@pytest.fixture(scope="session")
def chromium(webcam: Path) -> Iterator[Browser]:
    required(program() is not None, "Chromium")
    expect.set_options(timeout=15_000)  # a busy machine
    camera = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={webcam}")
    with sync_playwright() as playwright, launch(playwright, *camera) as browser:
        yield browser


@pytest.fixture
def context(chromium: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console said; a test that provokes an error empties it."""
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Iterator[Page]:
    page = context.new_page()
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []


@pytest.fixture
def log_in(context: BrowserContext, make_user: Callable[..., User]) -> Callable[[Role], None]:
    """Puts a session of somebody with that role into the browser, past the form."""

    def log_in(role: Role) -> None:
        client = Client()
        client.force_login(make_user(role))
        cookie = client.cookies["sessionid"]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "domain": "localhost", "path": "/"}])

    return log_in

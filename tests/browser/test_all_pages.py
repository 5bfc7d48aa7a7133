"""Every page with a site's worth of data, light and dark, on a desktop and on phones: nothing that axe calls serious,
nothing in the console, nothing that the content policy refuses, nothing that runs out of the screen.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from access.roles import Role
from recognition.engine.packs import Pack
from tests.browser.test_content_policy import WATCH
from tests.screenshots import exhibit
from tests.screenshots.pages import PAGES

# The width at which axe looks; what runs out of the screen is measured at each.
SCHEMES = {"light": 1280, "dark": 390}
WIDTHS = (1280, 390, 320)
GRAVE = {"serious", "critical"}

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.mark.timeout(400)
def test_every_page_can_be_used_by_everyone(
    page: Page, log_in: Callable[[Role], None], complaints: list[str], pack: Pack, storage: Path
) -> None:
    exhibit.fill()
    log_in(Role.ADMIN)
    page.add_init_script(WATCH)
    found = []
    for scheme, width in SCHEMES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for name, address in PAGES.items():
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(address)
            found += [f"{name}, {scheme}: {finding}" for finding in findings(page, complaints)]
    assert not found, "\n".join(found)


def findings(page: Page, complaints: list[str]) -> Iterator[str]:
    yield from (f"the console says {line}" for line in complaints)
    complaints.clear()
    yield from (f"the policy refuses {refused}" for refused in page.evaluate("window.refused"))
    # Without fetching style sheets again: the policy would refuse that, and the console say so.
    for violation in Axe().run(page, options={"resultTypes": ["violations"], "preload": False}).response["violations"]:
        if violation["impact"] in GRAVE:
            yield f"{violation['id']}: {violation['nodes'][0]['html'][:200]}"
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if over > 0:
            yield f"{over} pixels too wide on {width}"

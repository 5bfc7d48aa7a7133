"""The pages fit a phone and can be read, in light and in dark."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page

from access.roles import Role
from tests.fabricated import make_person
from tests.web.sightings import detect

PAGES = ["/", "/?q=nobody", "/detections/", "/detections/?known=false", "/admin/people/person/add/"]
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff" * 2

# The lowest contrast of any text with what is behind it, after WCAG 2.2, and where it is.
LOWEST_CONTRAST = """() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const linear = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const color = channels(getComputedStyle(element).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
  };
  let lowest = [21, "nothing"];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.checkVisibility()) continue;
    const pair = [channels(getComputedStyle(element).color), behind(element)].map(luminance);
    const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (contrast < lowest[0]) lowest = [contrast, texts.currentNode.data.trim()];
  }
  return lowest;
}"""

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def full_site(log_in: Callable[[Role], None]) -> None:
    log_in(Role.OPERATOR)
    detect(make_person(LONG_NAME), camera="gate")
    detect(make_person("ada"), timedelta(hours=2))
    for _ in range(8):
        detect(None, camera="laboratory-on-the-third-floor")


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_no_page_scrolls_sideways(page: Page, full_site: None, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for address in PAGES:
        page.goto(address)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, (address, over)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_that_wcag_asks_for(page: Page, full_site: None, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    for address in PAGES[:-1]:  # the admin's own colours are Django's
        page.goto(address)
        contrast, where = page.evaluate(LOWEST_CONTRAST)
        assert contrast >= 4.5, (address, where, contrast)


def test_the_page_follows_the_system_into_the_dark(page: Page, full_site: None) -> None:
    page.goto("/")
    background = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    page.emulate_media(color_scheme="light")
    assert min(page.evaluate(background)) > 200
    page.emulate_media(color_scheme="dark")
    assert max(page.evaluate(background)) < 60


def test_whoever_uses_the_keyboard_sees_where_they_are(page: Page, full_site: None) -> None:
    page.goto("/")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate(outline) == "solid"

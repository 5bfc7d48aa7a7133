"""Training is followed live, and the slider shows what a rate would change before it is applied."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from access.roles import Role
from people.training import train
from recognition import wakeup
from recognition.engine.packs import Pack
from recognition.models import ActiveModel
from tests.browser.test_import_of_photos import worker
from tests.fabricated import enrol

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def model_page(
    page: Page, log_in: Callable[[Role], None], pack: Pack, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> Page:
    monkeypatch.setattr(wakeup, "wake", lambda *_: None)
    for seed in range(1, 5):
        enrol(f"person {seed}", seed=seed)
    train()
    log_in(Role.OPERATOR)
    page.goto("/")
    page.get_by_role("link", name="Model", exact=True).click()
    return page


def test_training_shows_its_progress_and_then_the_new_model(model_page: Page) -> None:
    enrol("somebody new", seed=20)
    model_page.get_by_role("button", name="Train", exact=True).click()
    expect(model_page.get_by_role("status").filter(has_text="Waiting for a worker.")).to_be_visible()
    with worker():
        expect(model_page.locator(".stats").first).to_contain_text("generation 2", timeout=30_000)
    expect(model_page.get_by_role("progressbar")).to_have_count(0)


def test_the_slider_is_tried_by_keyboard_applied_and_taken_back(model_page: Page) -> None:
    slider = model_page.get_by_role("slider", name="Strangers who may be given a name")
    expect(slider).to_have_attribute("aria-valuetext", "1 in 1,000")
    slider.focus()
    for _ in range(3):
        model_page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "1 in 100")
    expect(model_page.locator("#effect")).to_contain_text("1 in 100 ")
    assert ActiveModel.objects.get().generation == 1
    model_page.get_by_role("button", name="Apply").click()
    expect(model_page.get_by_role("status").filter(has_text="is being trained")).to_be_visible()
    with worker():
        expect(model_page.locator(".stats").first).to_contain_text("1 in 100", timeout=30_000)
    model_page.get_by_role("link", name="Put in service").first.click()
    model_page.get_by_role("button", name="Put in service").click()
    expect(model_page.locator(".stats").first).to_contain_text("generation 3")
    expect(model_page.locator(".stats").first).to_contain_text("1 in 1,000")

"""Search by photo, with the faces that the engine really finds."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from access.roles import Role
from people.enrolment import add_photo
from people.training import train
from recognition.engine.packs import Pack
from tests.fabricated import make_person
from tests.photographs import montage, portrait
from tests.web.sightings import detect

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_photo_finds_the_person_and_where_they_were(
    page: Page, log_in: Callable[[Role], None], pack: Pack, storage: Path, tmp_path: Path
) -> None:
    eileen = make_person("Eileen Collins")
    assert add_photo(eileen, portrait()).is_accepted
    train()
    detect(eileen, camera="lab")
    (tmp_path / "both.jpg").write_bytes(montage())
    log_in(Role.OPERATOR)
    page.goto("/detections/")
    page.get_by_role("link", name="Search by photo").click()
    page.locator("#id_image").set_input_files(tmp_path / "both.jpg")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="2 faces")).to_be_visible()
    found = page.get_by_role("region", name="Eileen Collins")
    expect(found).to_contain_text("Place of lab")
    expect(page.get_by_role("region", name="Unknown")).to_have_count(1)
    assert found.locator(".judged img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 50

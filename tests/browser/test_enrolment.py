"""Photos are chosen, dropped or taken, and each has its verdict at once, without leaving the page."""

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import BrowserContext, Locator, Page, expect

from access.roles import Role
from people.models import Person
from recognition.engine.packs import Pack
from tests.fabricated import make_person
from tests.photographs import blurred, faceless, montage, portrait, tiny

DROP = """([data, name]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)), files = new DataTransfer();
  files.items.add(new File([bytes], name, {type: "image/jpeg"}));
  const dragged = {dataTransfer: files, bubbles: true, cancelable: true};
  if (document.body.dispatchEvent(new DragEvent("dragover", dragged))) throw "the page takes no files";
  document.body.dispatchEvent(new DragEvent("drop", dragged));
}"""

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def photos(tmp_path: Path) -> dict[str, Path]:
    pictures = {"good": portrait(), "room": faceless(), "two": montage(), "far": tiny(), "soft": blurred()}
    files = {name: tmp_path / f"{name}.jpg" for name in pictures}
    for name, data in pictures.items():
        files[name].write_bytes(data)
    return files


@pytest.fixture
def operator(page: Page, log_in: Callable[[Role], None], pack: Pack, storage: Path) -> Page:
    log_in(Role.OPERATOR)
    return page


def open_form(page: Page, person: Person) -> None:
    page.goto(reverse("admin:people_person_change", args=[person.pk]))
    page.evaluate("window.untouched = true")


def card(page: Page, name: str) -> Locator:
    return page.locator("#photos li").filter(has_text=name)


def test_many_photos_are_judged_while_the_page_stays(operator: Page, photos: dict[str, Path]) -> None:
    open_form(operator, make_person("Eileen Collins"))
    operator.get_by_label("Add photos").set_input_files([*photos.values(), photos["good"]])
    said = operator.get_by_role("status").filter(has_text="6 of 6 photos looked at; 1 accepted.")
    expect(said).to_be_visible(timeout=60_000)
    for name, verdict in {"room": "No face", "two": "2 faces", "far": "pixels wide", "soft": "blurred"}.items():
        expect(card(operator, f"{name}.jpg")).to_contain_text(verdict)
    expect(card(operator, "good.jpg").filter(has_text="already has this photo")).to_have_count(1)
    thumbnail = card(operator, "good.jpg").locator("img")
    assert thumbnail.evaluate("image => image.decode().then(() => image.naturalWidth)") == 240
    assert operator.evaluate("window.untouched")


def test_a_dropped_photo_of_a_new_person_waits_for_the_legal_basis(operator: Page) -> None:
    operator.goto("/admin/people/person/add/")
    operator.get_by_label("Face id").fill("Eileen Collins")
    operator.evaluate(DROP, [b64encode(portrait()).decode(), "dropped.jpg"])
    expect(operator.get_by_role("status").filter(has_text="No photo without a legal basis")).to_be_visible()
    expect(card(operator, "dropped.jpg")).to_contain_text("Waiting")
    assert not Person.objects.exists()
    operator.get_by_label("Legal basis").select_option("consent")
    operator.get_by_label("Since").fill("2026-01-01")
    operator.get_by_role("button", name="Save", exact=True).click()
    expect(card(operator, "dropped.jpg")).to_contain_text("Accepted", timeout=60_000)
    person = Person.objects.get()
    assert operator.url.endswith(reverse("admin:people_person_change", args=[person.pk]))
    assert person.photos.get().is_accepted


def test_a_photo_is_taken_with_the_webcam_by_keyboard_alone(operator: Page, context: BrowserContext) -> None:
    context.grant_permissions(["camera"])
    person = make_person("Eileen Collins")
    open_form(operator, person)
    operator.get_by_role("button", name="Use the webcam").focus()
    operator.keyboard.press("Enter")
    expect(operator.get_by_role("button", name="Take photo")).to_be_focused()
    expect(operator.get_by_label("What the webcam sees")).to_have_js_property("readyState", 4)
    operator.keyboard.press("Enter")
    expect(operator.locator("#photos li.accepted")).to_have_count(1, timeout=60_000)
    operator.keyboard.press("Tab")
    operator.keyboard.press("Enter")
    expect(operator.get_by_role("button", name="Use the webcam")).to_be_focused()
    assert person.photos.get().is_accepted


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("NotAllowedError", "Allow it"),
        ("NotFoundError", "No camera was found"),
        ("NotReadableError", "another program"),
    ],
)
def test_a_webcam_that_is_not_to_be_had_says_why(operator: Page, error: str, words: str) -> None:
    open_form(operator, make_person("ada"))
    refuse = "name => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name)); }"
    operator.evaluate(refuse, error)
    operator.get_by_role("button", name="Use the webcam").click()
    expect(operator.get_by_role("alert").filter(has_text=words)).to_be_visible()
    expect(operator.get_by_role("button", name="Take photo")).to_be_hidden()


def test_the_browsers_own_refusal_is_told_too(operator: Page) -> None:
    open_form(operator, make_person("ada"))
    operator.get_by_role("button", name="Use the webcam").click()
    expect(operator.get_by_role("alert")).to_contain_text("was not allowed to use the camera")

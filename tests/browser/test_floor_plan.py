"""A floor plan from the picture to somebody who walks across it, and what each role is offered on the way."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from access.roles import Role
from detections.models import Camera, Detection, FloorPlan, LastSeen
from people.models import Person
from recognition.engine.images import decode, encode_jpeg
from tests.fabricated import make_camera, make_person, plain_png
from tests.web.sightings import detect

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def gate(db: None) -> Camera:
    """A camera on a plan, and a second one of the same place that is not on it yet."""
    gate = make_camera("gate", plan_x=0.25, plan_y=0.5)
    make_camera("yard", location=gate.location)
    FloorPlan.objects.create(location=gate.location, jpeg=plain_jpeg(), width=32, height=32)
    return gate


def plain_jpeg() -> bytes:
    return encode_jpeg(decode(plain_png(32767)))


def test_a_detection_arrives_and_the_person_walks_on_without_a_reload(
    page: Page, log_in: Callable[[Role], None], gate: Camera
) -> None:
    Camera.objects.filter(pk="yard").update(plan_x=0.75, plan_y=0.5)
    log_in(Role.VIEWER)
    page.goto(f"/plans/{gate.location_id}/")
    page.evaluate("window.untouched = true")
    expect(page.locator(".pin")).to_have_count(0)
    ada = make_person("ada")
    detect(ada)
    pin = page.locator(f'.pin[data-person="{ada.pk}"] > svg')
    expect(pin).to_have_attribute("x", "25.00%")
    detect(ada, camera="yard")
    expect(pin).to_have_attribute("x", "75.00%")
    expect(page.locator('[data-face-id="ada"]')).to_contain_text("just now")
    assert page.evaluate("window.untouched")
    page.get_by_role("link", name="ada", exact=True).last.click()
    expect(page.get_by_role("heading", name="ada", level=1)).to_be_visible()


def test_a_camera_is_dragged_or_moved_by_keys_or_numbers(
    page: Page, log_in: Callable[[Role], None], gate: Camera
) -> None:
    log_in(Role.OPERATOR)
    page.goto(f"/plans/{gate.location_id}/")
    page.get_by_role("link", name="Edit plan").click()
    plan = page.locator(".plan.editing")
    plan.scroll_into_view_if_needed()
    dot = page.locator('[data-camera="yard"] circle').bounding_box()
    box = plan.bounding_box()
    page.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.3 * box["height"], steps=4)
    page.mouse.up()
    page.keyboard.press("ArrowRight")
    page.get_by_label("gate: percent from the left").fill("10")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"/plans/\d+/$"))
    yard = Camera.objects.get(pk="yard")
    assert (yard.plan_x, yard.plan_y) == (pytest.approx(0.61, abs=0.01), pytest.approx(0.3, abs=0.01))
    assert Camera.objects.get(pk="gate").plan_x == pytest.approx(0.1)


def test_a_plan_is_put_there_by_whoever_may(page: Page, log_in: Callable[[Role], None], tmp_path: Path) -> None:
    place = make_camera("gate").location_id
    (tmp_path / "plan.png").write_bytes(plain_png(32767))
    log_in(Role.OPERATOR)
    page.goto(f"/plans/{place}/")
    page.get_by_role("link", name="Add a plan").first.click()
    page.locator("#id_image").set_input_files(tmp_path / "plan.png")
    page.get_by_role("button", name="Upload").click()
    expect(page.locator(".plan img")).to_have_js_property("naturalWidth", 32)


def test_a_viewer_is_offered_nothing_that_changes_anything(
    page: Page, log_in: Callable[[Role], None], gate: Camera
) -> None:
    ada = make_person("ada")
    detect(ada)
    log_in(Role.VIEWER)
    for address in (f"/plans/{gate.location_id}/", "/people/", f"/people/{ada.pk}/", "/detections/", "/tracks/", "/"):
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        offers = page.get_by_role("link", name=re.compile("Enrol|Edit|Erase|Wrong person|Search by photo|Add"))
        expect(offers).to_have_count(0)


def test_a_wrong_name_is_put_right(page: Page, log_in: Callable[[Role], None], gate: Camera) -> None:
    ada, grace = make_person("ada"), make_person("grace hopper")
    detect(ada)
    log_in(Role.OPERATOR)
    page.goto(f"/people/{ada.pk}/")
    page.locator(".timeline summary").first.focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Wrong person").click()
    page.get_by_label("Name").press_sequentially("hop")
    page.get_by_role("button", name="grace hopper").click()
    expect(page.get_by_label("Another person:")).to_be_checked()
    page.get_by_role("button", name="Correct").click()
    expect(page.get_by_text("Corrected: 1 detection is of grace hopper now.")).to_be_visible()
    expect(page.get_by_text("Never seen")).to_be_visible()
    assert Detection.objects.get().person == grace
    assert [one.person for one in LastSeen.objects.all()] == [grace]
    assert Person.objects.count() == 2

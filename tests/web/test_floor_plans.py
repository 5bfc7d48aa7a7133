"""A floor plan: who may put one there, what may be uploaded, and who appears where on it."""

import re
from datetime import timedelta

import cv2
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from access.models import AuditEntry
from detections.models import Camera, FloorPlan
from recognition.engine.images import decode
from tests.fabricated import make_camera, make_person, plain_png
from tests.web.sightings import JPEG, detect, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def gate() -> Camera:
    return make_camera("gate")


def plan(camera: Camera) -> str:
    return f"/plans/{camera.location_id}/"


def save(client: Client, camera: Camera, data: bytes | None = None, **fields: object) -> HttpResponse:
    form = {name.replace("_", "-", 1): value for name, value in fields.items()}
    return client.post(
        f"{plan(camera)}edit/", form | ({"image": SimpleUploadedFile("p", data)} if data is not None else {})
    )


def pins(page: str) -> list[tuple[str, str, str]]:
    """Whose faces are drawn, and where in percent."""
    return re.findall(r'<title>([^<]+)</title> <svg x="([\d.]+)%" y="([\d.]+)%"', page)


def test_a_picture_is_kept_as_a_smaller_copy_and_shown(operator: Client, viewer: Client, gate: Camera) -> None:
    assert "No floor plan yet" in text(viewer.get(plan(gate)))
    assert save(operator, gate, plain_png(7)).headers["Location"] == f"{plan(gate)}edit/"
    kept = FloorPlan.objects.get()
    assert (kept.width, kept.height) == (32, 32)
    assert bytes(kept.jpeg[:2]) == b"\xff\xd8"
    answer = viewer.get(f"/plans/{gate.location_id}.jpg")
    assert decode(answer.content).shape == (32, 32, 3)
    assert 'class="plan"' in text(viewer.get(plan(gate)))
    assert AuditEntry.objects.filter(action="change", kind="floor plan").count() == 1


@pytest.mark.parametrize(("height", "width", "kept"), [(1, 20_000, (1, 2400)), (20_000, 1, (2400, 1))])
def test_a_line_is_not_made_smaller_than_a_pixel(
    operator: Client, gate: Camera, height: int, width: int, kept: tuple[int, int]
) -> None:
    line = cv2.imencode(".png", np.zeros((height, width), np.uint8))[1].tobytes()
    assert save(operator, gate, line).status_code == 302
    plan = FloorPlan.objects.get()
    assert (plan.height, plan.width) == decode(bytes(plan.jpeg)).shape[:2] == kept


@pytest.mark.parametrize("place", ["0", "9" * 20])
def test_where_no_place_can_be_there_is_no_plan(viewer: Client, place: str) -> None:
    assert viewer.get(f"/plans/{place}.jpg").status_code == 404
    assert viewer.get(f"/plans/{place}/").status_code == 404


@pytest.mark.parametrize("data", [b"", b"no picture", plain_png()[:40], b"GIF89a" + bytes(100)])
def test_what_is_no_picture_is_refused_and_changes_nothing(operator: Client, gate: Camera, data: bytes) -> None:
    answer = save(operator, gate, data)
    assert answer.status_code == 400
    assert 'role="alert"' in text(answer)
    assert not FloorPlan.objects.exists()


def test_so_is_one_that_is_too_large(operator: Client, gate: Camera, settings: object) -> None:
    settings.MAX_IMAGE_BYTES = 2**20
    assert "larger than 1 MiB" in text(save(operator, gate, plain_png() + bytes(2**20)))
    settings.MAX_IMAGE_PIXELS = 100
    assert "megapixels" in text(save(operator, gate, plain_png()))


def test_people_are_drawn_where_their_camera_is(operator: Client, gate: Camera) -> None:
    save(operator, gate, plain_png())
    assert save(operator, gate, x_gate="25", y_gate="80.5").headers["Location"] == plan(gate)
    seen = detect(make_person("ada"), jpeg=JPEG)
    detect(make_person("grace"), timedelta(hours=2))
    detect(make_person("marie"), camera="lab")
    page = text(operator.get(plan(gate)))
    assert pins(page) == [("ada", "25.00", "80.50")]
    assert f"/faces/{seen.pk}.jpg" in page


@pytest.mark.parametrize(("share", "side"), [(0.0, "left"), (0.5, ""), (0.99, "right")])
def test_a_name_near_an_edge_is_written_towards_the_middle(
    viewer: Client, gate: Camera, share: float, side: str
) -> None:
    FloorPlan.objects.create(location=gate.location, jpeg=b"", width=40, height=30)
    Camera.objects.update(plan_x=share, plan_y=0.5)
    assert f'class="camera {side}"' in text(viewer.get(f"/plans/{gate.location_id}/"))


def test_a_refresh_sends_nothing_until_somebody_comes(operator: Client, gate: Camera) -> None:
    save(operator, gate, plain_png())
    save(operator, gate, x_gate="25", y_gate="80")
    version = re.search(r"version=(\w+)", text(operator.get(plan(gate))))[1]
    asked = {"query_params": {"version": version}, "headers": {"HX-Request": "true"}}
    assert operator.get(plan(gate), **asked).status_code == 204
    detect(make_person("ada"))
    assert [name for name, _, _ in pins(text(operator.get(plan(gate), **asked)))] == ["ada"]


@pytest.mark.parametrize(
    "fields", [{"x_gate": "101"}, {"x_gate": "-1"}, {"x_gate": "nan"}, {"y_gate": "x"}, {"x_gate": "5"}]
)
def test_a_place_off_the_plan_is_refused(operator: Client, gate: Camera, fields: dict[str, str]) -> None:
    save(operator, gate, plain_png())
    answer = save(operator, gate, **{"y_gate": "5", **fields} if fields != {"x_gate": "5"} else fields)
    assert answer.status_code == 400
    assert Camera.objects.get().plan_x is None


def test_a_camera_is_taken_off_the_plan(operator: Client, gate: Camera) -> None:
    Camera.objects.update(plan_x=0.5, plan_y=0.5)
    save(operator, gate, x_gate="", y_gate="")
    assert Camera.objects.get().plan_x is None


def test_viewers_look_and_do_not_touch(viewer: Client, gate: Camera) -> None:
    assert "/edit/" not in text(viewer.get(plan(gate)))
    assert viewer.get(f"{plan(gate)}edit/").status_code == 403
    assert save(viewer, gate, plain_png()).status_code == 403


def test_a_crowd_takes_as_many_queries_as_one(
    viewer: Client, gate: Camera, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    Camera.objects.update(plan_x=0.5, plan_y=0.5)
    for number in range(20):
        detect(make_person(f"person {number}"))
    FloorPlan.objects.create(location=gate.location, jpeg=b"", width=4, height=3)
    with django_assert_max_num_queries(9):
        page = text(viewer.get(plan(gate)))
    assert len(pins(page)) == 8
    assert "(+12)" in page


def test_the_map_names_places_that_have_coordinates(viewer: Client, gate: Camera) -> None:
    assert "No place has coordinates" in text(viewer.get("/map/"))
    detect(make_person("ada"))
    type(gate.location).objects.update(latitude=49.2, longitude=16.6)
    page = text(viewer.get("/map/"))
    assert 'data-latitude="49.200000" data-longitude="16.600000"' in page
    assert 'data-count="1"' in page
    assert "ada" in page

"""The dashboard: who was last seen where and when, and what to do while there is nothing to show."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from detections.models import Crop
from recognition.models import Job
from tests.fabricated import make_camera, make_person
from tests.web.sightings import JPEG, detect, put_in_service, text

pytestmark = pytest.mark.django_db


def shown(page: str) -> list[str]:
    """The face ids of the rows, top to bottom."""
    return re.findall(r'<tr data-face-id="([^"]*)"', page)


def test_people_come_newest_first_with_place_camera_time_and_certainty(viewer: Client) -> None:
    detect(make_person("ada"), timedelta(minutes=5), "gate", 0.734)
    newest = detect(make_person("grace"), timedelta(0), "lab", 0.9, jpeg=JPEG)
    page = text(viewer.get("/"))
    assert shown(page) == ["grace", "ada"]
    for words in ("Place of lab", "just now", "90 %", f"/faces/{newest.pk}.jpg"):
        assert words in page.split('data-face-id="ada"')[0]
    for words in ("Place of gate", "5 minutes ago", "73 %", "<svg"):
        assert words in page.split('data-face-id="ada"')[1]
    assert f'datetime="{newest.captured_at.isoformat()}"' in page


def test_only_the_last_sighting_of_a_person_is_a_row(viewer: Client) -> None:
    ada = make_person("ada")
    detect(ada, timedelta(minutes=1), "gate")
    detect(ada, timedelta(minutes=9), "lab")
    page = text(viewer.get("/"))
    assert shown(page) == ["ada"]
    assert "Place of lab" not in page.split("<tbody>")[1]


def test_a_sighting_of_more_than_an_hour_ago_looks_stale(viewer: Client) -> None:
    detect(make_person("ada"), timedelta(minutes=59))
    assert 'class="stale"' not in text(viewer.get("/"))
    detect(make_person("grace"), timedelta(minutes=61))
    assert 'data-face-id="grace" class="stale"' in text(viewer.get("/"))


def test_a_face_id_is_text_whatever_it_contains(viewer: Client) -> None:
    detect(make_person('<script>alert("1")&'))
    page = text(viewer.get("/"))
    assert "<script>alert" not in page
    assert shown(page) == ["&lt;script&gt;alert(&quot;1&quot;)&amp;"]


def test_search_finds_part_of_a_face_id(viewer: Client) -> None:
    for name in ("Ada Lovelace", "Grace Hopper"):
        detect(make_person(name))
    assert shown(text(viewer.get("/", {"q": " love "}))) == ["Ada Lovelace"]
    assert "Nobody whose face id contains “100%”" in text(viewer.get("/", {"q": "100%"}))


def test_many_people_are_paged_and_the_search_is_kept(viewer: Client) -> None:
    for number in range(25):
        detect(make_person(f"person {number}"), timedelta(minutes=number))
    first = text(viewer.get("/", {"q": "person"}))
    assert (len(shown(first)), "?q=person&amp;page=2" in first) == (24, True)
    assert shown(text(viewer.get("/", {"q": "person", "page": 2}))) == ["person 24"]


@pytest.mark.parametrize("number", ["0", "-1", "99999999999999999999", "x", "\0", ""])
def test_a_page_that_does_not_exist_shows_one_that_does(viewer: Client, number: str) -> None:
    detect(make_person("ada"))
    assert shown(text(viewer.get("/", {"page": number}))) == ["ada"]


def test_each_empty_state_says_what_to_do_next(admin: Client) -> None:
    assert "No cameras yet" in text(admin.get("/"))
    make_camera()
    assert "Nobody is enrolled yet" in text(admin.get("/"))
    make_person("ada")
    assert "Nothing is trained yet" in text(admin.get("/"))
    put_in_service()
    assert "Nobody has been seen yet" in text(admin.get("/"))
    detect(make_person("grace"))
    assert 'class="empty"' not in text(admin.get("/"))


def test_a_viewer_is_not_sent_to_pages_that_are_closed_to_them(viewer: Client) -> None:
    assert "/admin/" not in text(viewer.get("/"))


def test_the_model_in_service_is_named(viewer: Client) -> None:
    assert "No model is trained yet, so everyone is unknown" in text(viewer.get("/"))
    model = put_in_service(people=3)
    assert f"Model {model.pk} is in service and knows 3 people" in text(viewer.get("/"))


def test_the_inbox_is_mentioned_while_crops_wait(viewer: Client) -> None:
    assert "waiting to be recognised" not in text(viewer.get("/"))
    job = Job.objects.create(kind=Job.Kind.RECOGNISE)
    for state in (Crop.State.PENDING, Crop.State.DONE):
        Crop.objects.create(
            id=job.pk if state == Crop.State.DONE else "0f2c4b9e-5d0a-4f43-9a55-8e1f7c1b2a3d",
            job=job, camera=make_camera(), sha256="", captured_at=timezone.now(), state=state,
        )  # fmt: skip
    assert "1 crop waiting to be recognised" in text(viewer.get("/"))


def test_recent_unknown_faces_are_counted_and_the_last_few_shown(viewer: Client) -> None:
    for minute in range(10):
        detect(None, timedelta(minutes=minute))
    detect(None, timedelta(hours=2))
    page = text(viewer.get("/"))
    assert "10 in the last hour" in page
    assert page.count('<li data-face-id=""') == 8
    assert "/faces/" not in page  # no picture is kept of them


def test_very_many_unknown_faces_are_not_counted_to_the_last(viewer: Client) -> None:
    for _ in range(101):
        detect(None)
    assert "100 or more in the last hour" in text(viewer.get("/"))


def test_a_row_outlives_the_detection_it_came_from(viewer: Client) -> None:
    detect(make_person("ada"), jpeg=JPEG).delete()
    page = text(viewer.get("/"))
    assert shown(page) == ["ada"]
    assert "/faces/" not in page

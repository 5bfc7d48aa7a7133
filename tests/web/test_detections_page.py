"""The list of detections: filters that stay in the address, pages that need no count, and bad input."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detections.models import Camera, Detection, Track
from tests.fabricated import make_camera, make_person
from tests.web.sightings import JPEG, detect, text

pytestmark = pytest.mark.django_db

PAGE = "/detections/"
FIELDS = ["face_id", "known", "camera", "location", "since", "until", "min_probability", "track", "cursor", "page_size"]


def shown(page: str) -> list[str]:
    return re.findall(r'<tr data-face-id="([^"]*)"', page)


@pytest.fixture
def sightings(db: None) -> dict[str, Detection]:
    """Ada at the gate now, Grace in the lab an hour ago, a stranger at the gate two hours ago."""
    return {
        "ada": detect(make_person("ada"), probability=0.9, jpeg=JPEG),
        "grace": detect(make_person("grace"), timedelta(hours=1), "lab", 0.7),
        "": detect(None, timedelta(hours=2), probability=0.2),
    }


def test_detections_come_newest_first(viewer: Client, sightings: dict[str, Detection]) -> None:
    page = text(viewer.get(PAGE))
    assert shown(page) == ["ada", "grace", ""]
    assert page.count("/faces/") == 1
    assert "Unknown" in page.split('data-face-id=""')[1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"face_id": "ada"}, ["ada"]),
        ({"face_id": "ad"}, []),
        ({"known": "true"}, ["ada", "grace"]),
        ({"known": "false"}, [""]),
        ({"camera": "gate"}, ["ada", ""]),
        ({"camera": "gate", "known": "true"}, ["ada"]),
        ({"min_probability": "0.7"}, ["ada", "grace"]),
        ({"min_probability": "0"}, ["ada", "grace", ""]),
    ],
)
def test_a_filter_keeps_what_fits(
    viewer: Client, sightings: dict[str, Detection], query: dict[str, str], found: list[str]
) -> None:
    page = text(viewer.get(PAGE, query))
    assert shown(page) == found
    assert ("No detection fits" in page) == (not found)


def test_since_and_until_take_what_a_browser_sends(viewer: Client, sightings: dict[str, Detection]) -> None:
    moment = (timezone.now() - timedelta(minutes=90)).strftime("%Y-%m-%dT%H:%M")
    assert shown(text(viewer.get(PAGE, {"since": moment}))) == ["ada", "grace"]
    page = text(viewer.get(PAGE, {"until": moment}))
    assert shown(page) == [""]
    assert f'value="{moment}"' in page


def test_what_was_chosen_stays_chosen_and_names_are_escaped(viewer: Client, sightings: dict[str, Detection]) -> None:
    Camera.objects.filter(pk="lab").update(name="<b>Lab</b>")
    page = text(viewer.get(PAGE, {"camera": "lab"}))
    assert '<option value="lab" selected>&lt;b&gt;Lab&lt;/b&gt;</option>' in page
    assert '<option value="gate">gate</option>' in page
    assert '<option value="" selected>' in text(viewer.get(PAGE))


def test_location_and_track_can_be_chosen(viewer: Client, sightings: dict[str, Detection]) -> None:
    lab = make_camera("lab").location_id
    assert shown(text(viewer.get(PAGE, {"location": lab}))) == ["grace"]
    now = timezone.now()
    track = Track.objects.create(camera=make_camera("gate"), key="t", captured_at=now, ended_at=now)
    Detection.objects.filter(pk=sightings["ada"].pk).update(track=track)
    page = text(viewer.get(PAGE, {"track": track.pk}))
    assert shown(page) == ["ada"]
    assert f'<input type="hidden" name="track" value="{track.pk}">' in page


@pytest.mark.parametrize(
    "query",
    [
        {"camera": "no-such-camera"}, {"location": "x"}, {"since": "yesterday"}, {"until": "2026-13-40T99:00"},
        {"min_probability": "much"}, {"min_probability": "nan"}, {"min_probability": "1e9999"}, {"track": "x"},
        {"location": "99999999999999999999"}, {"face_id": "\0"}, {"known": "no"},
        {"since": "0001-01-01T00:00:00+23:59"}, {"until": "9999-12-31T23:59:59-23:59"},
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_understood_is_said_and_shows_nothing(
    viewer: Client, sightings: dict[str, Detection], query: dict[str, str]
) -> None:
    answer = viewer.get(PAGE, query)
    assert answer.status_code == 400
    page = text(answer)
    assert shown(page) == []
    assert "a filter cannot be understood" in page


def test_a_choice_that_cannot_be_understood_is_not_shown_as_another(viewer: Client) -> None:
    assert '<option value="true" selected>' in text(viewer.get(PAGE, {"known": "true"}))
    assert '<option value="false" selected>' in text(viewer.get(PAGE, {"known": "false"}))
    assert not re.search(r'<option value="(true|false)" selected>', text(viewer.get(PAGE, {"known": "no"})))


@given(query=st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=30), max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_address_breaks_the_page(viewer: Client, sightings: dict[str, Detection], query: dict[str, str]) -> None:
    assert viewer.get(PAGE, query).status_code in {200, 400, 404}


def test_pages_lead_through_everything_once_with_the_filters_kept(viewer: Client) -> None:
    ada = make_person("ada")
    made = [detect(ada, timedelta(minutes=number), jpeg=JPEG).pk for number in range(120)]
    detect(None)
    address, seen = f"{PAGE}?face_id=ada", []
    while address:
        page = viewer.get(address).content.decode()
        seen += re.findall(r"/faces/(.+?)\.jpg", page)
        older = re.search(r'href="([^"]+)">Older', page)
        address = older and unescape(older[1])
        assert address is None or "face_id=ada" in address
    assert seen == [str(pk) for pk in made]


def test_a_page_mark_that_was_tampered_with_is_not_found(viewer: Client, sightings: dict[str, Detection]) -> None:
    assert viewer.get(PAGE, {"cursor": "bm9uc2Vuc2U"}).status_code == 404


def test_the_table_is_never_counted(viewer: Client, sightings: dict[str, Detection]) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        viewer.get(PAGE)
    assert not [query for query in queries if "COUNT(" in query["sql"]]
    assert not [query for query in queries if '"jpeg"' in query["sql"]]


def test_an_empty_list_says_so(viewer: Client) -> None:
    assert "No detections yet" in text(viewer.get(PAGE))


def test_a_track_is_shown_anew_when_it_goes_on(viewer: Client) -> None:
    began = timezone.now() - timedelta(minutes=5)
    ada = make_person("ada")
    track = Track.objects.create(
        camera=make_camera(), key="t", person=ada, probability=0.9, detection_count=1, captured_at=began, ended_at=began
    )
    Detection.objects.filter(pk=detect(ada).pk).update(track=track)
    asked: dict[str, object] = {"headers": {"HX-Request": "true"}}
    for change in ({"detection_count": 4}, {"ended_at": timezone.now()}, {"corrected_at": timezone.now()}):
        version = re.search(r'hx-get="[^"]*version=(\w+)', text(viewer.get("/tracks/")))
        assert viewer.get("/tracks/", {"version": version[1]}, **asked).status_code == 204
        Track.objects.update(**change)
        assert viewer.get("/tracks/", {"version": version[1]}, **asked).status_code == 200

"""Times on pages are the viewer's, as the browser's cookie says; whatever else the cookie holds changes nothing."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from detections.models import Detection, LastSeen
from tests.fabricated import make_person
from tests.web.sightings import detect, text

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def at_noon(viewer: Client) -> Client:
    detect(make_person("ada"))
    Detection.objects.update(captured_at=NOON)
    return viewer


def test_times_are_in_the_zone_of_the_browser(at_noon: Client) -> None:
    at_noon.cookies["timezone"] = "Asia/Tokyo"
    assert "21:00" in text(at_noon.get("/detections/"))
    at_noon.cookies["timezone"] = "Europe/Prague"
    assert "14:00" in text(at_noon.get("/detections/"))


def test_a_filter_means_the_time_that_its_viewer_has(at_noon: Client) -> None:
    at_noon.cookies["timezone"] = "Asia/Tokyo"
    assert "ada" in text(at_noon.get("/detections/", {"since": "2026-07-01T20:59"}))
    assert "No detection fits" in text(at_noon.get("/detections/", {"since": "2026-07-01T21:01"}))


@pytest.mark.parametrize("name", ["", "Nowhere/City", "../../etc/passwd", "\0", "/etc/localtime", "Zoë", "a" * 4000])
def test_what_is_no_zone_is_ignored(at_noon: Client, name: str) -> None:
    at_noon.cookies["timezone"] = name
    answer = at_noon.get("/detections/")
    assert answer.status_code == 200
    assert "12:00" in text(answer)


def test_the_api_speaks_utc_whatever_a_cookie_says(at_noon: Client) -> None:
    at_noon.cookies["timezone"] = "Asia/Tokyo"
    assert at_noon.get("/api/v1/detections").json()["results"][0]["captured_at"] == "2026-07-01T12:00:00Z"


def test_so_are_they_in_the_list_of_people_in_the_admin(operator: Client) -> None:
    detect(make_person("ada"))
    LastSeen.objects.update(captured_at=NOON)
    operator.cookies["timezone"] = "Asia/Tokyo"
    assert "Place of gate, 2026-07-01 21:00" in text(operator.get("/admin/people/person/"))


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_the_day_of_consent_that_a_form_offers_is_that_of_the_installation(operator: Client, zone: str) -> None:
    """Between them, the days of these zones are always others."""
    operator.cookies["timezone"] = zone
    form = operator.get("/admin/people/person/add/").context["adminform"].form
    assert form["legal_basis_date"].value() == timezone.localdate()

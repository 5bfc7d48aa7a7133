"""The page of a person: visits, hours, places, photos, look-alikes; and where corrections begin."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from detections import visits
from detections.models import Detection, Location, Search, Track
from people.models import Person, Photo
from people.training import train
from tests.fabricated import enrol, make_camera, make_person
from tests.web.sightings import detect, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Person:
    return make_person("ada")


def passage(person: Person, ago: timedelta, camera: str = "gate", detections: int = 3) -> Track:
    at = timezone.now() - ago
    track = Track.objects.create(
        camera=make_camera(camera), key=f"{ago} {camera}", person=person, probability=0.9,
        detection_count=detections, captured_at=at, ended_at=at + timedelta(seconds=9),
    )  # fmt: skip
    for number in range(detections):
        one = detect(person, ago - timedelta(seconds=3 * number), camera)
        Detection.objects.filter(pk=one.pk).update(track=track)
    return track


def page(client: Client, person: Person, **query: str) -> str:
    return text(client.get(f"/people/{person.pk}/", query))


def test_passages_that_follow_each_other_at_a_place_are_one_visit(ada: Person) -> None:
    for minutes in (1, 8, 15, 60):
        passage(ada, timedelta(minutes=minutes))
    passage(ada, timedelta(minutes=61), "lab")
    detect(ada, timedelta(minutes=90), "lab")
    found, older = visits.of(ada)
    assert [(visit.location.name, len(visit.passages), visit.count) for visit in found] == [
        ("Place of gate", 3, 9), ("Place of gate", 1, 3), ("Place of lab", 1, 3), ("Place of lab", 1, 1),
    ]  # fmt: skip
    assert older is None


def test_a_long_history_is_paged_without_a_gap(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "PASSAGES", 4)
    for number in range(11):
        detect(ada, timedelta(hours=number))
    seen, before = [], None
    while True:
        found, before = visits.of(ada, before)
        seen += [visit.started_at for visit in found]
        if before is None:
            break
    assert seen == list(Detection.objects.order_by("-captured_at").values_list("captured_at", flat=True))


def test_a_passage_whose_first_crop_showed_no_face_is_shown_once(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "PASSAGES", 2)
    for number in range(5):
        track = passage(ada, timedelta(hours=number + 1))
        Track.objects.filter(pk=track.pk).update(captured_at=track.captured_at - timedelta(seconds=2))
    seen, before = [], None
    while True:
        found, before = visits.of(ada, before)
        seen += [one.detection.track_id for visit in found for one in visit.passages]
        if before is None:
            break
    assert seen == list(Track.objects.order_by("-captured_at").values_list("pk", flat=True))


def test_hours_are_counted_in_the_zone_of_the_viewer(ada: Person) -> None:
    detect(ada)
    # The last Monday, half past eleven at night in London: in Tokyo it is Tuesday morning.
    today = timezone.now()
    at = datetime(today.year, today.month, today.day, 23, 30, tzinfo=UTC) - timedelta(days=today.weekday() + 7)
    Detection.objects.update(captured_at=at)
    counted = {(day, hour.hour) for day, row in visits.hours(ada) for hour in row if hour.count}
    assert counted == {(1, 23)}
    with timezone.override("Asia/Tokyo"):
        counted = {(day, hour.hour) for day, row in visits.hours(ada) for hour in row if hour.count}
    assert counted == {(2, 8)}


def test_the_page_says_what_there_is(viewer: Client, ada: Person) -> None:
    Photo.objects.create(person=ada, sha256="0", refusal="no-face", explanation="No face was found.")
    Photo.objects.create(person=ada, sha256="1", explanation="Accepted.", face_px=142.3, sharpness=80)
    passage(ada, timedelta(minutes=5))
    shown = page(viewer, ada)
    for words in ("Last seen at Place of gate", "3 detections", "142 px", "No face was found.", "Consent", "no end"):
        assert words in shown
    assert Search.objects.filter(means="person", person=ada).count() == 1


def test_somebody_never_seen_has_a_page_too(viewer: Client, ada: Person) -> None:
    shown = page(viewer, ada)
    assert "Never seen" in shown
    assert "No photo yet" in shown
    assert viewer.get(f"/people/{UUID(int=0)}/").status_code == 404


@pytest.mark.parametrize(
    "before",
    [
        "", "yesterday", "2026-13-40T99:00", "2026-01-01", "\0", "2026-01-01T00:00",
        "0001-01-01T00:00", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    ],
)  # fmt: skip
def test_any_place_in_the_history_shows_a_page(viewer: Client, ada: Person, before: str) -> None:
    viewer.cookies["timezone"] = "Asia/Tokyo"  # where the year 1 began before it did in UTC
    assert viewer.get(f"/people/{ada.pk}/", {"before": before}).status_code == 200


@pytest.mark.usefixtures("storage", "pack")
def test_look_alikes_are_those_nearest_in_the_model(viewer: Client) -> None:
    people = [enrol(f"person {seed}", seed) for seed in range(9)]
    train()
    alike = page(viewer, people[0]).split("alike-title")[-1]
    assert len(re.findall(r'href="/people/[-\w]+/"', alike)) == 6
    assert "person 0" not in alike


def test_places_with_coordinates_are_on_a_map(viewer: Client, ada: Person) -> None:
    detect(ada)
    assert 'id="map"' not in page(viewer, ada)
    Location.objects.update(latitude=49.2, longitude=16.6)
    assert 'id="map"' in page(viewer, ada)


def test_only_those_who_may_enrol_are_offered_to_change_anything(viewer: Client, operator: Client, ada: Person) -> None:
    detection = detect(ada)
    offers = (f"/detections/{detection.pk}/correct/", f"/admin/people/person/{ada.pk}/delete/", "/change/")
    assert not [offer for offer in offers if offer in page(viewer, ada)]
    assert all(offer in page(operator, ada) for offer in offers)


def test_a_long_history_takes_as_many_queries_as_a_short_one(
    viewer: Client, ada: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        passage(ada, timedelta(hours=number), detections=2)
    with django_assert_max_num_queries(20):
        page(viewer, ada)


def shown(client: Client, detection: Detection) -> dict[str, str]:
    """What the form says of itself."""
    hidden = r'<input type="hidden" name="(\w+)" value="([^"]*)"'
    return dict(re.findall(hidden, client.get(f"/detections/{detection.pk}/correct/").content.decode()))


def test_a_correction_is_asked_for_said_and_done(operator: Client, ada: Person) -> None:
    make_person("grace")
    detection = detect(ada)
    address = f"/detections/{detection.pk}/correct/"
    assert "Who is it?" in text(operator.get(address))
    answer = operator.post(address, shown(operator, detection) | {"who": "person", "face_id": " grace "}, follow=True)
    assert "Corrected: 1 detection is of grace now." in text(answer)
    assert Detection.objects.get().person.face_id == "grace"
    answer = operator.post(address, shown(operator, detection) | {"who": "unknown"}, follow=True)
    assert "1 detection is of somebody unknown now" in text(answer)
    assert Detection.objects.get().person is None


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "This field is required"),
        ({"who": "me"}, "Select a valid choice"),
        ({"who": "person", "face_id": "nobody"}, "There is no person with this face id."),
        ({"who": "person"}, "There is no person with this face id."),
        ({"who": "person", "face_id": "\0"}, "Null characters are not allowed."),
        ({"who": "person", "face_id": "ada"}, "The detection already says so."),
    ],
)
def test_what_cannot_be_corrected_is_said(operator: Client, ada: Person, form: dict[str, str], words: str) -> None:
    detection = detect(ada)
    answer = operator.post(f"/detections/{detection.pk}/correct/", shown(operator, detection) | form)
    assert answer.status_code == 400
    assert words in text(answer)
    assert Detection.objects.get().person == ada


@pytest.mark.parametrize("first", ["ada", None])
def test_a_form_that_shows_another_person_than_the_detection_by_now_changes_nothing(
    operator: Client, ada: Person, first: str | None
) -> None:
    grace = make_person("grace")
    detection = detect(ada if first else None)
    address = f"/detections/{detection.pk}/correct/"
    seen_by_both = shown(operator, detection)
    operator.post(address, seen_by_both | {"who": "person", "face_id": "grace"})
    for late in ({"who": "unknown"}, {"who": "person", "face_id": "ada"}):
        answer = operator.post(address, seen_by_both | late)
        assert answer.status_code == 400
        assert "Somebody else corrected this detection meanwhile." in text(answer)
        assert Detection.objects.get().person == grace
    assert operator.post(address, shown(operator, detection) | {"who": "unknown"}).status_code == 302


def test_names_are_offered_as_they_are_typed(operator: Client, ada: Person) -> None:
    make_person("<b>grace</b>")
    assert 'data-choose="ada"' in text(operator.get("/people/names/", {"face_id": "AD"}))
    assert "&lt;b&gt;grace" in text(operator.get("/people/names/", {"face_id": "grace"}))
    for typed in ("", "nobody", "\0"):
        assert "data-choose" not in text(operator.get("/people/names/", {"face_id": typed}))

"""The board through its filters, those never seen, and what is no filter."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from detections.models import Search
from people.models import PersonGroup
from tests.fabricated import make_camera, make_person
from tests.web.sightings import detect, text

pytestmark = pytest.mark.django_db


def shown(page: str) -> list[str]:
    return re.findall(r'<(?:tr|li class="card person[^"]*") data-face-id="([^"]*)"', page)


@pytest.fixture
def site(db: None) -> PersonGroup:
    """Ada of the laboratory at the gate now, Grace in the lab two hours ago, Marie never."""
    laboratory = PersonGroup.objects.create(name="Laboratory")
    detect(make_person("ada", group=laboratory))
    detect(make_person("grace"), timedelta(hours=2), "lab")
    make_person("marie", group=laboratory)
    return laboratory


@pytest.mark.parametrize("view", ["table", "cards"])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["ada", "grace"]),
        ({"camera": "lab"}, ["grace"]),
        ({"camera": "lab", "q": "ad"}, []),
        ({"since": "1h"}, ["ada"]),
        ({"since": "24h"}, ["ada", "grace"]),
        ({"since": "never"}, ["marie"]),
        ({"since": "never", "q": "ada"}, []),
        ({"since": "never", "camera": "lab"}, []),
    ],
)
def test_a_filter_keeps_who_fits(
    viewer: Client, site: PersonGroup, query: dict[str, str], found: list[str], view: str
) -> None:
    page = text(viewer.get("/", query | {"view": view}))
    assert shown(page) == found
    assert ("No one found" in page) == (not found)


def test_place_and_group_can_be_chosen(viewer: Client, site: PersonGroup) -> None:
    assert shown(text(viewer.get("/", {"location": make_camera("lab").location_id}))) == ["grace"]
    assert shown(text(viewer.get("/", {"group": site.pk}))) == ["ada"]
    page = text(viewer.get("/", {"group": site.pk, "since": "never"}))
    assert shown(page) == ["marie"]
    assert "Never seen" in page


@pytest.mark.parametrize(
    "query",
    [
        {"camera": "no-such"}, {"location": "x"}, {"group": "9" * 20}, {"since": "tomorrow"}, {"q": "\0"},
        {"q": "x" * 101},
    ],
)  # fmt: skip
def test_what_is_no_filter_is_said_and_shows_nobody(viewer: Client, site: PersonGroup, query: dict[str, str]) -> None:
    answer = viewer.get("/", query)
    assert answer.status_code == 400
    assert "a filter cannot be understood" in text(answer)
    assert shown(text(answer)) == []


def test_whom_a_search_showed_is_on_record(viewer: Client, site: PersonGroup) -> None:
    viewer.get("/", {"q": "a"}, headers={"HX-Request": "true"})
    found = Search.objects.filter(means=Search.Means.DASHBOARD).values_list("person__face_id", flat=True)
    assert sorted(found) == ["ada", "grace"]


@pytest.mark.parametrize(("page", "query"), [("/people/", {"q": "ad"}), ("/detections/", {"face_id": "ada"})])
def test_what_refreshes_itself_is_on_record_once_whatever_asks(
    viewer: Client, site: PersonGroup, page: str, query: dict[str, str]
) -> None:
    def noted() -> int:
        return Search.objects.filter(person__face_id="ada").count()

    version = re.search(r"version=(\w+)", text(viewer.get(page, query)))[1]
    assert noted() == 1
    guise = {"HX-Request": "true"}
    assert viewer.get(page, query | {"version": version}, headers=guise).status_code == 204
    assert noted() == 1
    assert viewer.get(page, query | {"version": "made-up"}, headers=guise).status_code == 200
    assert noted() == 2


def test_the_list_of_people_which_tells_where_they_are_is_on_record_when_it_is_opened(viewer: Client) -> None:
    make_person("ada")
    viewer.get("/people/")
    assert Search.objects.get().means == Search.Means.DASHBOARD
    viewer.get("/people/", headers={"HX-Request": "true"})
    assert Search.objects.count() == 1


@pytest.mark.parametrize("page", ["/", "/people/", "/people/names/"])
def test_a_part_of_a_name_is_found_however_its_accents_are_composed(operator: Client, page: str) -> None:
    detect(make_person("Zoë"))
    query = {"q": "oe\u0308", "face_id": "oe\u0308"}
    assert "Zoë" in text(operator.get(page, query))


def test_people_are_listed_with_what_is_missing(viewer: Client, site: PersonGroup) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    make_person("joan", legal_basis_expires=yesterday)
    page = text(viewer.get("/people/"))
    assert shown(page) == ["ada", "grace", "joan", "marie"]
    assert "Legal basis expired" in page.split('data-face-id="joan"')[1]
    assert shown(text(viewer.get("/people/", {"basis": "expired"}))) == ["joan"]
    assert shown(text(viewer.get("/people/", {"group": site.pk, "basis": "valid"}))) == ["ada", "marie"]
    assert viewer.get("/people/", {"basis": "perhaps"}).status_code == 400

"""Who looked for whom is on record, until the one who was looked for is erased."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from access.models import ApiKey
from access.roles import Role
from detections import searching
from detections.models import Location, Search
from people import erasure
from people.models import Person
from people.training import train
from tests.fabricated import Eyes, enrol, make_person
from tests.photographs import upload
from tests.web.sightings import detect

GET_RESULTS = "/api/v1/face-recognition/get-results"

pytestmark = pytest.mark.django_db


def searches() -> list[tuple[str, str, str | None]]:
    rows = Search.objects.order_by("pk").values_list("actor", "means", "person__face_id")
    return list(rows)


@pytest.fixture
def ada() -> Person:
    return make_person("ada")


@pytest.fixture
def viewer(make_user: Callable[..., User]) -> Client:
    client = Client()
    client.force_login(make_user(Role.VIEWER))
    return client


@pytest.mark.usefixtures("storage", "fresh_loader")
def test_get_results_names_each_person_that_it_found(operator: APIClient, eyes: Eyes) -> None:
    enrol("ada", 1)
    enrol("grace", 2)
    train()
    answer = operator.post(GET_RESULTS, upload(eyes.picture_of(1, 2, 3)), format="multipart")
    assert answer.status_code == 200, answer.content
    assert sorted(searches()) == [("operator", "get-results", "ada"), ("operator", "get-results", "grace")]
    assert set(Search.objects.values_list("faces", flat=True)) == {3}


def test_get_results_that_finds_nobody_is_on_record_too(with_key: Callable[..., APIClient], eyes: Eyes) -> None:
    client = with_key(ApiKey.Scope.INTEGRATION)
    assert client.post(GET_RESULTS, upload(eyes.picture_of(7)), format="multipart").status_code == 200
    ((actor, means, person),) = searches()
    assert actor.startswith("key test integration (fs_")
    assert (means, person) == ("get-results", None)


def test_an_image_that_cannot_be_read_is_no_search(operator: APIClient) -> None:
    assert operator.post(GET_RESULTS, upload(b"x"), format="multipart").status_code == 422
    assert searches() == []


@pytest.mark.parametrize(
    ("path", "means", "whom"),
    [
        ("database/ada/last-known-location", "last-known-location", "ada"),
        ("database/people", "database-people", None),
        ("detections?face_id=ada", "sightings", "ada"),
        ("tracks?face_id=ada", "sightings", "ada"),
        ("detections?face_id=%20ada%20", "sightings", "ada"),
        ("detections?face_id=nobody", "sightings", None),
    ],
)
def test_asking_for_locations_is_on_record(
    operator: APIClient, ada: Person, path: str, means: str, whom: str | None
) -> None:
    assert operator.get(f"/api/v1/{path}").status_code == 200
    assert searches() == [("operator", means, whom)]


def test_so_is_asking_on_the_pages(viewer: Client, ada: Person) -> None:
    detect(ada)
    viewer.get("/")
    viewer.get("/?q=ad")
    viewer.get("/detections/?face_id=ada")
    viewer.get("/map/")
    viewer.get(f"/plans/{Location.objects.get().pk}/")
    assert [(means, whom) for _, means, whom in searches()] == [
        ("dashboard", None),
        ("dashboard", "ada"),
        ("sightings", "ada"),
        ("dashboard", None),
        ("dashboard", None),
    ]


def test_a_board_that_refreshes_itself_is_not_noted_again_but_a_search_in_its_guise_is(
    viewer: Client, ada: Person
) -> None:
    detect(ada)
    for page in ("/", "/map/", f"/plans/{Location.objects.get().pk}/"):
        viewer.get(f"{page}?version=old", headers={"HX-Request": "true"})
    assert searches() == []
    viewer.get("/?q=ada", headers={"HX-Request": "true"})
    assert searches() == [("viewer", "dashboard", "ada")]


def test_searching_sightings_in_the_admin_is_on_record(operator: APIClient, ada: Person) -> None:
    for text in ("ad", " ada ", "a\0d", "nobody"):
        assert operator.get(reverse("admin:detections_detection_changelist"), {"q": text}).status_code == 200
    assert searches() == 3 * [("operator", "sightings", "ada")] + [("operator", "sightings", None)]


@pytest.mark.parametrize("kind", ["detection", "track", "lastseen"])
def test_nobody_is_found_there_by_a_key_which_would_leave_none(operator: APIClient, ada: Person, kind: str) -> None:
    detect(ada)
    for lookup in ("person", "person__id__exact", "person_id", "person__in", "pk"):
        answer = operator.get(reverse(f"admin:detections_{kind}_changelist"), {lookup: ada.pk})
        assert answer.status_code in {302, 400}, lookup
    assert operator.get(reverse("admin:detections_lastseen_change", args=[ada.pk])).status_code == 403


def test_so_is_searching_people_there_as_the_list_says_where_they_were_last_seen(
    operator: APIClient, ada: Person
) -> None:
    make_person("grace")
    people = reverse("admin:people_person_changelist")
    operator.get(people)
    operator.get(people, {"q": " "})
    assert searches() == []
    operator.get(people, {"q": " AD "})
    operator.get(people, {"q": "nobody"})
    assert searches() == [("operator", "person", "ada"), ("operator", "person", None)]


@pytest.mark.parametrize("lookup", ["pk", "id", "id__exact", "face_id", "face_id__startswith", "face_id__in"])
def test_nor_is_anybody_in_the_list_of_people(operator: APIClient, ada: Person, lookup: str) -> None:
    asked = ada.pk if ("id" in lookup and "face" not in lookup) or lookup == "pk" else "ada"
    answer = operator.get(reverse("admin:people_person_changelist"), {lookup: asked})
    assert answer.status_code in {302, 400}


def test_erasing_a_person_takes_the_searches_for_them_along(operator: APIClient, ada: Person) -> None:
    make_person("grace")
    for name in ("ada", "grace"):
        operator.get(f"/api/v1/database/{name}/last-known-location")
    assert erasure.erase(ada)["search"] == 1
    assert searches() == [("operator", "last-known-location", "grace")]


@pytest.mark.django_db(transaction=True)
def test_whoever_is_erased_between_answer_and_record_leaves_none(ada: Person) -> None:
    gone = ada.pk
    erasure.erase(ada)
    grace = make_person("grace")
    searching.note(None, Search.Means.GET_RESULTS, [gone, grace.pk], 2)
    assert searches() == [("system", "get-results", "grace")]
    with pytest.raises(IntegrityError):
        Search.objects.create(actor="x", means="get-results", person_id=gone)


def test_only_administrators_read_it(as_role: Callable[[Role], APIClient], ada: Person) -> None:
    searching.note(None, Search.Means.DASHBOARD, [ada.pk])
    page = reverse("admin:detections_search_changelist")
    assert as_role(Role.OPERATOR).get(page).status_code == 403
    assert "ada" in as_role(Role.ADMIN).get(page).content.decode()

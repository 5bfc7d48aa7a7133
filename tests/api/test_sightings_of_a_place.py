"""What all cameras of a place saw is one list, newest first, from whichever camera."""

import json
from datetime import timedelta
from random import Random

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from detections.models import Camera, Detection, Location, Track
from tests.fabricated import later, make_camera, make_person
from tests.web.sightings import detect

CAMERAS = ("gate", "yard", "ramp")


@pytest.fixture
def place() -> Location:
    """Three cameras and another that never saw anyone; many sightings at one moment; elsewhere just as much."""
    place = make_camera("gate").location
    for camera in (*CAMERAS, "roof"):
        make_camera(camera)
    Camera.objects.update(location=place)
    random, ada = Random(1), make_person("ada")
    for number in range(60):
        seen = detect(random.choice((ada, None)), camera=random.choice((*CAMERAS, "elsewhere")))
        seen.captured_at = later(random.randrange(20))
        seen.track = Track.objects.create(
            camera=seen.camera, key=str(number), person=seen.person, captured_at=seen.captured_at,
            ended_at=seen.captured_at + timedelta(seconds=1),
        )  # fmt: skip
        seen.save()
    return place


def expected(path: str, **chosen: object) -> list[str]:
    rows = (Detection if path == "detections" else Track).objects.filter(camera__in=CAMERAS, **chosen)
    return [str(pk) for pk in rows.order_by("-captured_at", "-pk").values_list("pk", flat=True)]


@pytest.mark.parametrize("path", ["detections", "tracks"])
def test_pages_lead_through_all_of_it_and_back(operator: APIClient, place: Location, path: str) -> None:
    url, pages = f"/api/v1/{path}?location={place.pk}&page_size=7", []
    while url:
        answer = operator.get(url).json()
        pages.append([str(one["id"]) for one in answer["results"]])
        url, back = answer["next"], answer["previous"]
    assert [one for page in pages for one in page] == expected(path)
    while back:
        pages.pop()
        answer = operator.get(back).json()
        assert [str(one["id"]) for one in answer["results"]] == pages[-1]
        back = answer["previous"]
    assert len(pages) == 1


@pytest.mark.parametrize("path", ["detections", "tracks"])
@pytest.mark.parametrize(
    ("query", "chosen"),
    [
        ("known=false", {"person": None}),
        ("face_id=ada", {"person__face_id": "ada"}),
        ("camera=yard", {"camera": "yard"}),
        (f"until={later(10):%Y-%m-%dT%H:%M:%SZ}", {"captured_at__lt": later(10)}),
    ],
)
def test_other_filters_narrow_it(operator: APIClient, place: Location, path: str, query: str, chosen: dict) -> None:
    answer = operator.get(f"/api/v1/{path}?location={place.pk}&{query}").json()
    found = [str(one["id"]) for one in answer["results"]]
    assert found
    assert found == expected(path, **chosen)[:50]


@pytest.mark.parametrize("cameras", [0, 1, 100, 101])
def test_a_place_of_no_camera_one_or_very_many(operator: APIClient, cameras: int) -> None:
    place = Location.objects.create(name="Hall")
    for number in range(cameras):
        make_camera(f"hall-{number}")
    Camera.objects.update(location=place)
    seen = [str(detect(camera=f"hall-{number}").pk) for number in range(min(3, cameras))]
    answer = operator.get(f"/api/v1/detections?location={place.pk}").json()
    assert [one["id"] for one in answer["results"]] == seen[::-1]


def test_it_costs_the_same_few_queries(
    operator: APIClient, place: Location, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(7):
        operator.get(f"/api/v1/detections?location={place.pk}")


@pytest.mark.parametrize("path", ["detections", "tracks"])
def test_the_page_and_the_file_hold_the_same(client: Client, operator_user: User, place: Location, path: str) -> None:
    client.force_login(operator_user)
    rows = client.get(f"/{path}/?location={place.pk}").context["rows"]
    assert [str(one.pk) for one in rows] == expected(path)[:50]
    file = b"".join(client.get(f"/export/{path}.json?location={place.pk}").streaming_content)
    assert [str(one["id"]) for one in json.loads(file)] == expected(path)

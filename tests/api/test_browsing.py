"""Detections, tracks, cameras and locations: filtered, in pages, newest first."""

from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest
from rest_framework.test import APIClient

from access.models import ApiKey
from detections.models import Detection, Location, Track
from detections.processing import process_batch
from people.training import train
from tests.fabricated import NOON, Eyes, enrol, later, make_camera, make_node

pytestmark = pytest.mark.usefixtures("storage")


@pytest.fixture
def history(eyes: Eyes, submit: Callable[..., object]) -> None:
    """Ada at the gate (minute 0), a stranger at the gate (1), Ada in the yard (2): three tracks."""
    enrol("ada", 1)
    train()
    for minute, (seed, camera) in enumerate([(1, "gate"), (99, "gate"), (1, "yard")]):
        submit(eyes.picture_of(seed), camera=camera, captured_at=later(60 * minute), track=str(minute))
    process_batch()


def minutes(client: APIClient, path: str, **query: object) -> list[int]:
    answer = client.get(f"/api/v1/{path}?{urlencode(query)}")
    assert answer.status_code == 200, answer.json()
    return [int(one["captured_at"][14:16]) for one in answer.json()["results"]]


@pytest.mark.parametrize("path", ["detections", "tracks"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [2, 1, 0]),
        ({"face_id": "ada"}, [2, 0]),
        ({"face_id": "nobody"}, []),
        ({"known": "true"}, [2, 0]),
        ({"known": "false"}, [1]),
        ({"known": "False"}, [1]),
        ({"known": "0"}, [1]),
        ({"known": ""}, [2, 1, 0]),
        ({"camera": "gate"}, [1, 0]),
        ({"since": later(60).isoformat()}, [2, 1]),
        ({"until": later(60).isoformat()}, [0]),
        ({"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59.999999Z"}, [2, 1, 0]),
        ({"min_probability": "0.5"}, [2, 0]),
        ({"camera": "gate", "known": "true"}, [0]),
    ],
)
@pytest.mark.usefixtures("history")
def test_filters(operator: APIClient, path: str, query: dict, expected: list[int]) -> None:
    assert minutes(operator, path, **query) == expected


@pytest.mark.usefixtures("history")
def test_filters_by_location_and_track(operator: APIClient) -> None:
    yard = Location.objects.get(name="Place of yard")
    assert minutes(operator, "detections", location=yard.pk) == [2]
    assert minutes(operator, "detections", track=Track.objects.get(key="1").pk) == [1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("camera", "nowhere"),
        ("location", "x"),
        ("location", "9" * 40),
        ("since", "yesterday"),
        ("since", "0001-01-01T00:00:00+23:59"),
        ("until", "2026-13-01"),
        ("until", "9999-12-31T23:59:59-23:59"),
        ("known", "no"),
        ("known", "f"),
        ("min_probability", "high"),
        ("min_probability", "nan"),
        ("min_probability", "-1e999999999"),
        ("track", "x"),
        ("track", "1e32"),
        ("track", "1e999999999"),
        ("track", "-1e999999999"),
        ("face_id", "\0"),
    ],
)
def test_a_bad_filter_is_a_400_that_names_it(operator: APIClient, field: str, value: str) -> None:
    answer = operator.get(f"/api/v1/detections?{field}={quote(value)}")
    assert answer.status_code == 400
    assert field in answer.json()["errors"]


@pytest.mark.parametrize("path", ["detections", "tracks"])
@pytest.mark.usefixtures("history")
def test_pages_hold_everything_once(operator: APIClient, path: str) -> None:
    Detection.objects.update(captured_at=later(0))
    Track.objects.update(captured_at=later(0))
    seen, url = [], f"/api/v1/{path}?page_size=2"
    while url:
        page = operator.get(url).json()
        seen += [one["id"] for one in page["results"]]
        url = page["next"]
    assert len(seen) == len(set(seen)) == 3


def test_thousands_of_one_moment_are_paged_too(operator: APIClient) -> None:
    """Files that were unpacked together carry one time."""
    gate = make_camera("gate")
    tracks = (Track(camera=gate, key=str(number), captured_at=NOON, ended_at=NOON) for number in range(2100))
    Track.objects.bulk_create(tracks)
    seen, url = set(), "/api/v1/tracks?page_size=500"
    while url and len(seen) < 2600:
        page = operator.get(url).json()
        seen |= {one["id"] for one in page["results"]}
        assert url != page["next"]
        url = page["next"]
    assert len(seen) == 2100


@pytest.mark.parametrize(
    "cursor",
    [
        b"p=yesterday",
        b"r=1&p=%00",
        b"o=x",
        b"p=2026-13-01",
        b"p=9999-99",
        b"p=",
        b"p=0001-01-01T00:00:00",
        b"p=0001-01-01T00:00:00%2B23:59",
        b"r=1&p=9999-12-31T23:59:59-23:59",
    ],
)
def test_a_cursor_that_is_none_is_a_404(operator: APIClient, cursor: bytes) -> None:
    assert operator.get(f"/api/v1/detections?cursor={b64encode(cursor).decode()}").status_code == 404
    assert operator.get("/api/v1/detections?cursor=x").status_code == 404


@pytest.mark.usefixtures("history")
def test_a_detection_tells_everything_about_itself(operator: APIClient) -> None:
    newest = operator.get("/api/v1/detections").json()["results"][0]
    assert (newest["face_id"], newest["camera"], newest["location"]) == ("ada", "yard", "Place of yard")
    assert operator.get(f"/api/v1/detections/{newest['id']}").json() == newest


@pytest.mark.usefixtures("history")
def test_a_list_costs_the_same_few_queries_however_long(
    operator: APIClient, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(5):
        operator.get("/api/v1/detections")


def test_cameras_and_locations_are_listed_by_name(operator: APIClient) -> None:
    for name in ("yard", "gate"):
        make_camera(name)
    cameras = operator.get("/api/v1/cameras").json()["results"]
    assert cameras[0] == {"id": "gate", "name": "gate", "location": "Place of gate", "is_active": True}
    assert [one["name"] for one in operator.get("/api/v1/locations").json()["results"]] == [
        "Place of gate",
        "Place of yard",
    ]


@pytest.mark.parametrize(
    ("is_active", "listed"),
    [("true", ["gate"]), ("1", ["gate"]), ("false", ["yard"]), ("FALSE", ["yard"]), ("", ["gate", "yard"])],
)
def test_cameras_are_filtered_by_whether_they_are_in_use(
    operator: APIClient, is_active: str, listed: list[str]
) -> None:
    make_camera("gate")
    make_camera("yard", is_active=False)
    answer = operator.get("/api/v1/cameras", {"is_active": is_active})
    assert [one["id"] for one in answer.json()["results"]] == listed


def test_a_bad_filter_of_cameras_is_a_400_that_names_it(operator: APIClient) -> None:
    answer = operator.get("/api/v1/cameras?is_active=banana")
    assert answer.status_code == 400
    assert "is_active" in answer.json()["errors"]


def test_an_edge_key_sees_its_own_cameras(with_key: Callable[..., APIClient]) -> None:
    edge = with_key(ApiKey.Scope.EDGE)
    make_camera("yard")
    make_node(make_camera("gate"), key=ApiKey.objects.get())
    assert [one["id"] for one in edge.get("/api/v1/cameras").json()["results"]] == ["gate"]

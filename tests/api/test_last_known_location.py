"""Where and when, and by which camera, somebody was last seen."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from detections.models import Detection
from detections.processing import process_batch
from people.training import train
from tests.fabricated import Eyes, enrol, later, make_person

pytestmark = pytest.mark.usefixtures("storage")


def test_the_place_the_camera_and_the_time(operator: APIClient, eyes: Eyes, submit: Callable[..., object]) -> None:
    enrol("Ada Lovelace", 1)
    train()
    submit(eyes.picture_of(1), camera="yard", captured_at=later(7))
    process_batch()
    body = operator.get("/api/v1/database/Ada%20Lovelace/last-known-location").json()
    one = Detection.objects.get()
    assert body == {
        "face_id": "Ada Lovelace",
        "last_seen": {
            "location": "Place of yard",
            "camera": "yard",
            "captured_at": "2026-03-01T12:00:07Z",
            "probability": one.probability,
            "detection": str(one.pk),
        },
    }
    assert operator.get("/api/v1/database/people").json()["results"] == [body]


def test_an_unknown_person_is_a_404(operator: APIClient) -> None:
    assert operator.get("/api/v1/database/nobody/last-known-location").status_code == 404


def test_somebody_never_seen_has_no_location(operator: APIClient) -> None:
    make_person("ada")
    body = operator.get("/api/v1/database/ada/last-known-location").json()
    assert body == {"face_id": "ada", "last_seen": None}


def test_the_list_holds_everyone_in_a_fixed_number_of_queries(
    operator: APIClient, django_assert_max_num_queries: object
) -> None:
    for seed in range(20):
        make_person(f"person {seed:02}")
    with django_assert_max_num_queries(8):
        body = operator.get("/api/v1/database/people").json()
    assert [one["face_id"] for one in body["results"]] == [f"person {seed:02}" for seed in range(20)]

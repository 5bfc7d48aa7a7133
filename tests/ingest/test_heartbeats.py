"""A node tells who is still there: that moves where people were last seen, forward only, for its own cameras only."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from access.models import ApiKey
from detections.models import CameraStatus, EdgeNode, LastSeen, Track
from detections.processing import process_batch
from people.erasure import erase
from people.models import Person
from people.training import train
from tests.fabricated import NOON, Eyes, enrol, later, make_camera, make_node
from tests.ingest.posting import post_bundle

Submit = Callable[..., object]
URL = "/api/v1/edge/heartbeat"

pytestmark = pytest.mark.usefixtures("storage")


@pytest.fixture
def node(with_key: Callable[..., APIClient]) -> APIClient:
    """A node that may send for `gate` only."""
    api = with_key(ApiKey.Scope.EDGE)
    make_node(make_camera("gate"), key=ApiKey.objects.get())
    make_camera("yard")
    return api


@pytest.fixture
def ada(db: None) -> Person:
    person = enrol("ada", 1)
    train()
    return person


def beat(client: APIClient, at: datetime, *, camera: str = "gate", track: str = "t") -> dict:
    answer = client.post(URL, {"tracks": [[camera, track]], "beats": [[0, at.isoformat()]]})
    assert answer.status_code == 200
    return answer.json()


def see(eyes: Eyes, submit: Submit, *seeds: int, **fields: object) -> None:
    for seed in seeds:
        submit(eyes.picture_of(seed), **{"track": "t"} | fields)
    process_batch()


def test_who_stays_was_last_seen_then(node: APIClient, eyes: Eyes, submit: Submit, ada: Person) -> None:
    see(eyes, submit, 1)
    before = LastSeen.objects.get()
    assert beat(node, later(60)) == {"tracks": ["named"]}
    seen = LastSeen.objects.get()
    assert (before.captured_at, seen.captured_at) == (NOON, later(60))
    assert (seen.person, seen.camera_id, seen.detection, seen.probability) == (
        ada, "gate", before.detection, before.probability,
    )  # fmt: skip
    assert Track.objects.get().ended_at == later(60)


def test_beats_only_move_forward(node: APIClient, eyes: Eyes, submit: Submit, ada: Person) -> None:
    see(eyes, submit, 1)
    for second in (60, 30, -30):
        beat(node, later(second))
    assert LastSeen.objects.get().captured_at == Track.objects.get().ended_at == later(60)


def test_person_seen_elsewhere_since_stays_there(node: APIClient, eyes: Eyes, submit: Submit, ada: Person) -> None:
    see(eyes, submit, 1)
    see(eyes, submit, 1, camera="yard", track="elsewhere", captured_at=later(100))
    beat(node, later(60))
    assert (LastSeen.objects.get().camera_id, LastSeen.objects.get().captured_at) == ("yard", later(100))
    beat(node, later(150))
    assert (LastSeen.objects.get().camera_id, LastSeen.objects.get().captured_at) == ("gate", later(150))


def test_unknown_face_that_stays_only_prolongs_its_track(node: APIClient, eyes: Eyes, submit: Submit) -> None:
    enrol("ada", 1)
    train()
    see(eyes, submit, 50)
    assert beat(node, later(60)) == {"tracks": ["unknown"]}
    assert Track.objects.get().ended_at == later(60)
    assert not LastSeen.objects.exists()


def test_track_that_no_crop_has_shown_yet_is_pending(node: APIClient) -> None:
    assert beat(node, later(60)) == {"tracks": ["pending"]}
    assert not Track.objects.exists()


def test_person_without_a_legal_basis_is_not_followed(node: APIClient, eyes: Eyes, submit: Submit, ada: Person) -> None:
    see(eyes, submit, 1)
    Person.objects.update(legal_basis_expires=date(2026, 1, 2))
    beat(node, later(60))
    assert LastSeen.objects.get().captured_at == Track.objects.get().ended_at == NOON


def test_erased_person_does_not_come_back(node: APIClient, eyes: Eyes, submit: Submit, ada: Person) -> None:
    see(eyes, submit, 1)
    erase(ada)
    assert beat(node, later(60)) == {"tracks": ["pending"]}
    assert not LastSeen.objects.exists()
    assert not Track.objects.exists()


def test_beat_from_the_future_is_not_believed(node: APIClient, eyes: Eyes, submit: Submit, ada: Person) -> None:
    see(eyes, submit, 1)
    beat(node, timezone.now() + timedelta(hours=1))
    assert LastSeen.objects.get().captured_at == NOON


def test_camera_of_another_node_is_refused_and_nothing_is_told_of_it(
    node: APIClient, eyes: Eyes, submit: Submit, ada: Person
) -> None:
    see(eyes, submit, 1, camera="yard")
    assert beat(node, later(60), camera="yard") == {"tracks": ["refused"]}
    assert beat(node, later(60), camera="nowhere") == {"tracks": ["refused"]}
    assert LastSeen.objects.get().captured_at == Track.objects.get().ended_at == NOON


def test_tracks_of_several_cameras_are_answered_in_their_order(
    node: APIClient, eyes: Eyes, submit: Submit, ada: Person
) -> None:
    see(eyes, submit, 1, track="hers")
    see(eyes, submit, 50, track="somebody's")
    tracks = [["gate", "somebody's"], ["yard", "hers"], ["gate", "hers"], ["gate", "new"]]
    answer = node.post(URL, {"tracks": tracks}).json()
    assert answer == {"tracks": ["unknown", "refused", "named", "pending"]}


def test_figures_are_kept_the_latest_only(node: APIClient) -> None:
    cameras = [
        {"camera": "gate", "frames_per_second": 5.9, "bytes_saved": 2**40, "last_crop_at": NOON.isoformat()},
        {"camera": "yard", "frames_per_second": 1},
    ]
    figures = {"version": "0.1.0", "queued": 7, "dropped": 1, "clock_offset_s": -3599.6, "last_error": "late"}
    answer = post_bundle(node, node=figures | {"cameras": cameras}, to=URL)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["Settings"]
    kept = EdgeNode.objects.get()
    assert (kept.version, kept.queued, kept.dropped, kept.clock_offset_s, kept.last_error) == (
        "0.1.0", 7, 1, -3599.6, "late",
    )  # fmt: skip
    assert timezone.now() - kept.reported_at < timedelta(minutes=1)
    status = CameraStatus.objects.get()  # `yard` is not the node's
    assert (status.camera_id, status.frames_per_second, status.bytes_saved) == ("gate", 5.9, 2**40)

    post_bundle(node, node={"cameras": [{"camera": "gate", "error": "camera lost"}]}, to=URL)
    status, kept = CameraStatus.objects.get(), EdgeNode.objects.get()
    assert (status.error, status.frames_per_second, status.last_crop_at) == ("camera lost", 0, None)
    assert (kept.queued, kept.last_error) == (0, "")


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_last_crop_at_no_possible_time_is_none(node: APIClient, at: str) -> None:
    """It could not be shown to those east or west of here."""
    assert node.post(URL, {"node": {"cameras": [{"camera": "gate", "last_crop_at": at}]}}).status_code == 200
    assert CameraStatus.objects.get().last_crop_at is None


def test_key_without_a_node_may_say_that_people_stay_but_has_no_figures(
    operator: APIClient, eyes: Eyes, submit: Submit, ada: Person
) -> None:
    see(eyes, submit, 1)
    tracks = {"tracks": [["gate", "t"]], "beats": [[0, later(60).isoformat()]], "node": {"queued": 3}}
    assert operator.post(URL, tracks).json() == {"tracks": ["named"]}
    assert LastSeen.objects.get().captured_at == later(60)


def test_quiet_heartbeat_costs_the_database_few_queries(
    node: APIClient, django_assert_max_num_queries: Callable
) -> None:
    figures = {"cameras": [{"camera": "gate", "frames_per_second": 6}]}
    post_bundle(node, node=figures, to=URL)
    with django_assert_max_num_queries(10):
        assert post_bundle(node, node=figures, to=URL).status_code == 204

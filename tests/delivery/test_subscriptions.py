"""External servers are told who is seen: once per passage, under ids that stay, and never what is not so any more."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from django.db.models.functions import Now

from detections.models import Crop, Delivery, Detection, ExternalServer, Track
from detections.processing import process_batch
from detections.webhooks.delivering import deliver_due
from people import erasure
from people.models import Person
from tests.delivery.conftest import SECRET
from tests.delivery.receiver import Receiver
from tests.fabricated import NOON, Eyes, direction, enrol, face, later, make_camera, plain_png

Submit = Callable[..., object]
See = Callable[..., Detection]
ADA, STRANGER = 1, 99


@pytest.fixture
def listener(db: None, receiver: Receiver, see: See) -> ExternalServer:
    """Ada is enrolled, and this server wants to know of everybody seen."""
    return ExternalServer.objects.create(
        name="alarm", url=f"{receiver.url}/", secret=SECRET, wants_results=False, wants_person_seen=True,
        wants_unknown_seen=True,
    )  # fmt: skip


@pytest.fixture
def show(eyes: Eyes, submit: Submit, listener: ExternalServer) -> Callable[..., None]:
    """Have one crop seen and done, by default of Ada on track `t`."""

    def one(seed: int = ADA, *, cosine: float = 1.0, **fields: object) -> None:
        vector = cosine * direction(seed) + np.sqrt(1 - cosine**2) * direction(1000)
        submit(eyes.picture(face(vector.astype(np.float32))), **{"track": "t"} | fields)
        process_batch()

    return one


def settle() -> int:
    Delivery.objects.filter(state=Delivery.State.PENDING).update(due_at=Now() - timedelta(seconds=1))
    return deliver_due()


def told(receiver: Receiver) -> list[tuple[str, str | None]]:
    bodies = [json.loads(body) for _, _, body in receiver.requests]
    return [(body["type"], body["data"].get("face_id")) for body in bodies]


def test_a_person_is_told_of_once_per_track(receiver: Receiver, show: Callable[..., None]) -> None:
    for second in range(3):
        show(captured_at=later(second))
        settle()
    assert told(receiver) == [("person.seen", "ada")]
    show(track="another", captured_at=later(60))
    settle()
    assert told(receiver) == [("person.seen", "ada")] * 2
    assert len({headers["webhook-id"] for _, headers, _ in receiver.requests}) == 2


def test_what_is_told_of_a_person(receiver: Receiver, show: Callable[..., None]) -> None:
    show()
    deliver_due()
    ((_, headers, body),) = receiver.requests
    track = Track.objects.get()
    assert headers["webhook-id"] == str(Delivery.objects.get().pk)
    assert json.loads(body) == {
        "type": "person.seen",
        "timestamp": NOON.isoformat(),
        "data": {
            "face_id": "ada",
            "probability": track.probability,
            "camera": "gate",
            "location": "Place of gate",
            "captured_at": NOON.isoformat(),
            "track": "t",
            "detection": None,
        },
    }


def test_an_unknown_is_told_of_once_per_track_and_later(receiver: Receiver, show: Callable[..., None]) -> None:
    show(STRANGER)
    assert deliver_due() == 0, "the next crop may say who it is"
    show(STRANGER, captured_at=later(1))
    settle()
    show(STRANGER, captured_at=later(2))
    settle()
    assert told(receiver) == [("unknown.seen", None)]


def test_a_track_that_is_named_at_once_was_never_unknown(receiver: Receiver, show: Callable[..., None]) -> None:
    show(ADA, cosine=0.1)
    assert Track.objects.get().person is None
    for second in (1, 2, 3):
        show(captured_at=later(second))
    settle()
    assert told(receiver) == [("person.seen", "ada")]
    assert Delivery.objects.count() == 1


def test_a_track_that_is_named_late_is_told_of_as_both(receiver: Receiver, show: Callable[..., None]) -> None:
    show(ADA, cosine=0.1)
    settle()
    for second in (1, 2, 3):
        show(captured_at=later(second))
        settle()
    assert told(receiver) == [("unknown.seen", None), ("person.seen", "ada")]


def test_a_name_that_was_taken_back_before_it_was_told_is_not_told(
    receiver: Receiver, show: Callable[..., None], listener: ExternalServer
) -> None:
    ExternalServer.objects.update(wants_unknown_seen=False)
    show()
    Track.objects.update(person=None)
    settle()
    assert receiver.requests == []
    assert not Delivery.objects.exists()


def test_outside_tracks_each_face_is_told_of(
    receiver: Receiver, eyes: Eyes, submit: Submit, listener: ExternalServer
) -> None:
    submit(eyes.picture_of(ADA, STRANGER))
    process_batch()
    deliver_due()
    assert sorted(told(receiver)) == [("person.seen", "ada"), ("unknown.seen", None)]
    assert {json.loads(body)["data"]["detection"] for _, _, body in receiver.requests} == {
        str(one.pk) for one in Detection.objects.all()
    }


def test_work_done_again_tells_nothing_again(receiver: Receiver, show: Callable[..., None]) -> None:
    for track in ("t", ""):
        show(track=track)
    first = set(Delivery.objects.values_list("pk", flat=True))
    assert len(first) == 2
    deliver_due()
    Crop.objects.update(state=Crop.State.PENDING, image=plain_png(0), attempts=0, due_at=Now())
    process_batch()
    deliver_due()
    assert set(Delivery.objects.values_list("pk", flat=True)) == first
    assert len(receiver.requests) == 2


def test_two_servers_know_one_event_by_different_ids(receiver: Receiver, show: Callable[..., None]) -> None:
    ExternalServer.objects.create(
        name="second", url=f"{receiver.url}/second", secret=SECRET, wants_results=False, wants_person_seen=True
    )
    show()
    deliver_due()
    ids = [uuid.UUID(headers["webhook-id"]) for _, headers, _ in receiver.requests]
    assert len(set(ids)) == 2


def test_a_server_is_told_only_what_it_asked_for(
    receiver: Receiver, show: Callable[..., None], listener: ExternalServer
) -> None:
    ExternalServer.objects.update(wants_person_seen=False)
    show(deliver=True)
    show(STRANGER, track="u", deliver=True)
    settle()
    assert told(receiver) == [("unknown.seen", None)]


def test_a_server_may_listen_to_some_cameras(
    receiver: Receiver, show: Callable[..., None], listener: ExternalServer
) -> None:
    listener.wants_results = True
    listener.save()
    listener.cameras.add(make_camera("yard"))
    show(deliver=True)
    settle()
    assert receiver.requests == []
    show(camera="yard", deliver=True)
    settle()
    assert sorted(told(receiver)) == [("detection", "ada"), ("person.seen", "ada")]


def test_erasing_somebody_takes_what_was_to_be_told_and_the_log(receiver: Receiver, show: Callable[..., None]) -> None:
    enrol("grace", 2)
    show()
    show(track="")
    deliver_due()
    show(track="later", captured_at=later(60))
    assert Delivery.objects.count() == 3
    erasure.erase(Person.objects.get(face_id="ada"))
    assert not Delivery.objects.exists()
    settle()
    assert len(receiver.requests) == 2


def test_the_log_of_a_name_taken_back_goes_with_that_person(receiver: Receiver, show: Callable[..., None]) -> None:
    show()
    deliver_due()
    Track.objects.update(person=enrol("grace", 2))
    Detection.objects.update(person=Person.objects.get(face_id="grace"))
    erasure.erase(Person.objects.get(face_id="ada"))
    assert Track.objects.exists()
    assert not Delivery.objects.exists()

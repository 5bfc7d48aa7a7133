"""A 202 means that the crops are in the database; what cannot be accepted is refused alone, with its reason."""

from uuid import UUID

import pytest
from rest_framework.test import APIClient

from detections import ingest
from detections.models import Crop, Track
from recognition.models import Job
from tests.fabricated import later, make_camera, plain_png
from tests.ingest.posting import crop, post


@pytest.fixture
def client(operator: APIClient) -> APIClient:
    make_camera()
    return operator


def test_one_crop_is_committed_as_it_was_sent(client: APIClient) -> None:
    frame = {"box": [412.0, 96.0, 498.0, 205.0], "frame_size": [1920, 1080], "confidence": 0.998}
    sent = crop(track="gate-17", **frame)
    answer = post(client, [sent], {sent["id"]: plain_png(7)})
    assert answer.status_code == 202
    body = answer.json()
    assert (body["accepted"], body["rejected"]) == ([sent["id"]], [])
    row = Crop.objects.get()
    assert (row.pk, row.camera_id, row.track.key) == (UUID(sent["id"]), "gate", "gate-17")
    assert bytes(row.image) == plain_png(7)
    assert (row.captured_at.isoformat(), row.state, row.deliver) == (sent["captured_at"], Crop.State.PENDING, False)
    assert row.metadata == frame


def test_many_crops_share_one_job(client: APIClient) -> None:
    sent = [crop() for _ in range(10)]
    body = post(client, sent).json()
    assert body["accepted"] == [one["id"] for one in sent]
    job = client.get(body["job_url"]).json()
    assert (job["kind"], job["state"], job["total"], job["done"]) == ("recognise", "queued", 10, 0)


def test_send_results_marks_crops_for_delivery(client: APIClient) -> None:
    assert post(client, [crop()], to="send-results").status_code == 202
    assert Crop.objects.get().deliver


def test_crops_of_one_track_share_it_from_the_earliest_on(client: APIClient) -> None:
    post(client, [crop(track="t", captured_at=later(9).isoformat()), crop(track="t", captured_at=later(3).isoformat())])
    post(client, [crop(track="t", captured_at=later(12).isoformat())])
    track = Track.objects.get()
    assert track.captured_at == later(3)
    assert Crop.objects.filter(track=track).count() == 3


def test_two_cameras_may_use_the_same_track_name(client: APIClient) -> None:
    make_camera("yard")
    post(client, [crop(track="1"), crop(track="1", camera="yard")])
    assert sorted(Track.objects.values_list("camera_id", "key")) == [("gate", "1"), ("yard", "1")]


def test_the_good_crops_of_a_request_are_not_held_up_by_the_bad(client: APIClient) -> None:
    good, bad, damaged = crop(), crop(camera="nowhere"), crop()
    images = {good["id"]: plain_png(), bad["id"]: plain_png(), damaged["id"]: b"no picture"}
    body = post(client, [good, bad, damaged], images).json()
    assert body["accepted"] == [good["id"]]
    assert [(one["id"], one["code"]) for one in body["rejected"]] == [
        (bad["id"], "unknown-camera"),
        (damaged["id"], "not-an-image"),
    ]
    assert Job.objects.get().total == Crop.objects.count() == 1


def test_a_request_without_any_acceptable_crop_is_a_400_that_lists_why(client: APIClient) -> None:
    answer = post(client, [crop(camera="nowhere")])
    assert answer.status_code == 400
    body = answer.json()
    assert body["type"] == "nothing-accepted"
    assert "nowhere" in body["detail"]
    assert [one["code"] for one in body["rejected"]] == ["unknown-camera"]
    assert not Job.objects.exists()


def test_acceptance_is_all_or_nothing_per_request(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(Crop.objects, "bulk_create", disk_full)
    client.raise_request_exception = False
    assert post(client, [crop(track="t")]).status_code == 500
    assert not Job.objects.exists()
    assert not Track.objects.exists()


def test_a_worker_is_woken_once_the_crops_are_committed(
    client: APIClient, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    woken = []
    monkeypatch.setattr(ingest.wakeup, "wake", lambda *message: woken.append(message))
    with django_capture_on_commit_callbacks() as callbacks:
        post(client, [crop()])
    assert woken == []
    (callback,) = callbacks
    callback()
    assert woken == [(ingest.wakeup.RECOGNITION,)]

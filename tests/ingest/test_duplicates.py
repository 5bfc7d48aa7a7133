"""The same crop sent again, however often and at whatever moment, is accepted again and has one effect."""

from collections.abc import Callable
from functools import partial
from uuid import uuid4

import pytest
from django.http import HttpResponse
from rest_framework.test import APIClient

from access.models import ApiKey
from detections import ingest
from detections.models import Crop, Detection, Track
from detections.processing import process_batch
from recognition.models import Job
from tests.fabricated import Eyes, make_camera, plain_png, run_together
from tests.ingest.posting import crop, post


@pytest.fixture
def client(operator: APIClient) -> APIClient:
    make_camera()
    return operator


def test_the_same_crop_again_is_accepted_with_the_same_job(client: APIClient) -> None:
    sent = [crop(track="t")]
    first, second = post(client, sent).json(), post(client, sent).json()
    assert first == second
    assert Crop.objects.count() == Job.objects.count() == Track.objects.count() == 1


def test_a_retry_after_the_work_is_done_is_answered_the_same_and_not_done_twice(client: APIClient, eyes: Eyes) -> None:
    sent = crop()
    images = {sent["id"]: eyes.picture_of(1)}
    first = post(client, [sent], images).json()
    assert process_batch() == 1
    assert post(client, [sent], images).json() == first
    assert process_batch() == 0
    assert Detection.objects.count() == 1


def test_the_same_id_for_another_image_is_refused(client: APIClient) -> None:
    sent = crop()
    post(client, [sent], {sent["id"]: plain_png(1)})
    answer = post(client, [sent], {sent["id"]: plain_png(2)})
    assert answer.status_code == 422
    assert [one["code"] for one in answer.json()["rejected"]] == ["id-reused"]
    assert bytes(Crop.objects.get().image) == plain_png(1)


def test_a_reused_id_does_not_hold_up_the_others_of_its_request(client: APIClient) -> None:
    sent = [crop(), crop()]
    post(client, sent[:1], {sent[0]["id"]: plain_png(1)})
    answer = post(client, sent, {one["id"]: plain_png(2) for one in sent})
    assert answer.status_code == 202
    assert answer.json()["accepted"] == [sent[1]["id"]]
    assert [one["code"] for one in answer.json()["rejected"]] == ["id-reused"]


def test_a_reused_id_among_otherwise_faulty_crops_is_an_ordinary_refusal(client: APIClient) -> None:
    sent = crop()
    post(client, [sent], {sent["id"]: plain_png(1)})
    other = crop(camera="nowhere")
    assert post(client, [sent, other], {one["id"]: plain_png(2) for one in (sent, other)}).status_code == 400


def test_a_crop_twice_in_one_request_counts_once(client: APIClient) -> None:
    sent = crop()
    body = post(client, [sent, sent], {sent["id"]: plain_png()}).json()
    assert body["accepted"] == [sent["id"]]
    assert Job.objects.get().total == Crop.objects.count() == 1


def test_a_batch_half_of_which_is_known_stores_the_other_half(client: APIClient) -> None:
    sent = [crop() for _ in range(4)]
    post(client, sent[:2])
    assert post(client, sent).json()["accepted"] == [one["id"] for one in sent]
    assert Crop.objects.count() == 4
    assert sorted(Job.objects.values_list("total", flat=True)) == [2, 2]


@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_sendings_have_one_effect(
    make_key: Callable[..., str], eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "PATIENCE_S", 60.0)  # none of them is to be told to come again
    make_camera()
    token = make_key(ApiKey.Scope.OPERATOR)
    sent = [crop(id=str(uuid4()), track="t") for _ in range(3)]
    images = {one["id"]: eyes.picture_of(seed) for seed, one in enumerate(sent)}

    def send(order: int) -> HttpResponse:
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return post(api, sent if order % 2 else sent[::-1], images)

    answers = run_together(*(partial(send, order) for order in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["job"] for answer in answers}) == 1
    assert (Crop.objects.count(), Job.objects.count(), Track.objects.count()) == (3, 1, 1)
    assert process_batch() == 3
    assert Detection.objects.count() == 3
    assert Track.objects.get().detection_count == 3

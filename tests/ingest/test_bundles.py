"""The compact form of edge nodes: the same crops with the same effects as in the form for everybody, in fewer bytes."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.http import HttpResponse
from rest_framework.test import APIClient

from access.models import ApiKey
from detections.models import Crop, EdgeNode, Track
from detections.processing import process_batch
from edge_client import bundle
from people.training import train
from tests.fabricated import NOON, Eyes, enrol, later, make_camera, make_node, plain_png
from tests.ingest import posting
from tests.ingest.posting import ROOT, post_bundle


@pytest.fixture
def client(with_key: Callable[..., APIClient]) -> APIClient:
    """A node that may send for `gate` only."""
    api = with_key(ApiKey.Scope.EDGE)
    make_node(make_camera("gate"), key=ApiKey.objects.get())
    make_camera("yard")
    return api


def crop(image: bytes = b"", **fields: object) -> bundle.Crop:
    values = {"camera": "gate", "captured_at": NOON, "image": image or plain_png(), "codec": "webp", "track": "t"}
    return bundle.Crop(**values | fields)


def send(client: APIClient, *crops: bundle.Crop, to: str = "store-results", **rest: object) -> HttpResponse:
    return post_bundle(client, *crops, to=f"{ROOT}/{to}", **rest)


def test_what_a_node_packs_is_stored_as_it_was(client: APIClient) -> None:
    one = crop(plain_png(1), box=(1.2, 2, 30, 40), frame_size=(640, 480), confidence=0.98765)
    bare = crop(plain_png(2), track="")
    answer = send(client, one, bare)
    assert (answer.status_code, answer.content, answer["Tracks"]) == (204, b"", "pp")
    stored = Crop.objects.get(pk=one.id)
    assert (bytes(stored.image), stored.camera_id, stored.captured_at) == (plain_png(1), "gate", NOON)
    assert stored.track.key == "t"
    assert stored.metadata == {"box": [1, 2, 30, 40], "frame_size": [640, 480], "confidence": 0.988}
    stored = Crop.objects.get(pk=bare.id)
    assert (bytes(stored.image), stored.track, stored.metadata) == (plain_png(2), None, {})


def test_it_and_the_form_for_everybody_know_each_others_ids(client: APIClient) -> None:
    one = crop()
    sent = posting.crop(id=one.id, captured_at=NOON.isoformat())
    posting.post(client, [sent], {one.id: one.image})
    assert send(client, one).status_code == 204
    assert Crop.objects.count() == 1


def test_its_type_may_be_named_or_not(client: APIClient) -> None:
    _, body = bundle.pack([crop()])
    for content_type in ("", "text/plain", "application/x-facesite"):
        assert client.generic("POST", f"{ROOT}/store-results", body, content_type=content_type).status_code == 204


def test_the_same_bundle_again_has_no_second_effect(client: APIClient) -> None:
    crops = [crop(plain_png(level)) for level in range(5)]
    assert [send(client, *crops).status_code for _ in range(2)] == [204, 204]
    assert (Crop.objects.count(), Track.objects.count()) == (5, 1)


def test_a_crop_without_an_id_is_known_by_what_it_shows_and_of_whom(client: APIClient) -> None:
    named = {
        (track, level): bundle.content_id("gate", track, plain_png(level)) for track in ("t", "u") for level in range(2)
    }
    crops = [crop(plain_png(level), track=track, id=name) for (track, level), name in named.items()]
    explicit = [crop(plain_png(level), track=track) for track, level in named]
    saved = len(bundle.pack(explicit)[1]) - len(bundle.pack(crops)[1])
    assert saved == 16 * len(crops)
    assert [send(client, *crops).status_code for _ in range(2)] == [204, 204]
    assert {str(one.pk): bytes(one.image) for one in Crop.objects.all()} == {one.id: one.image for one in crops}


def test_the_same_id_for_another_image_is_refused(client: APIClient) -> None:
    one = crop(plain_png(1))
    send(client, one)
    answer = send(client, crop(plain_png(2), id=one.id))
    assert answer.status_code == 422
    assert [(rejected["id"], rejected["code"]) for rejected in answer.json()["rejected"]] == [(one.id, "id-reused")]
    assert bytes(Crop.objects.get().image) == plain_png(1)


def test_a_bad_crop_is_rejected_alone_and_its_neighbours_keep_their_images(client: APIClient) -> None:
    good = [crop(plain_png(1)), crop(plain_png(2))]
    bad = [crop(plain_png(9)[:-5]), crop(camera="yard"), crop(captured_at=later(10**9))]
    body = send(client, good[0], *bad, good[1]).json()
    assert [one["code"] for one in body["rejected"]] == ["damaged", "unknown-camera", "future"]
    assert {str(one.pk): bytes(one.image) for one in Crop.objects.all()} == {one.id: one.image for one in good}


def test_a_malformed_crop_is_rejected_by_its_id(client: APIClient) -> None:
    odd, good = crop(confidence=7.5), crop(plain_png(3))
    (rejected,) = send(client, odd, good).json()["rejected"]
    assert rejected["id"] == odd.id
    assert rejected["code"] == "invalid"
    assert "confidence" in rejected["detail"]
    assert Crop.objects.count() == 1


def test_the_answer_tells_how_tracks_stand_and_never_who(client: APIClient, eyes: Eyes, storage: object) -> None:
    enrol("Ada Lovelace", 1)
    train()
    tracks = {"named": crop(eyes.picture_of(1), track="named"), "unknown": crop(eyes.picture_of(50), track="unknown")}
    assert send(client, *tracks.values())["Tracks"] == "pp"
    assert process_batch() == 2
    answer = send(client, crop(eyes.picture_of(51), track="new"), beats={("gate", name): NOON for name in tracks})
    assert answer["Tracks"] == "pnu"
    assert "Lovelace" not in f"{answer.headers}{answer.content}"


def test_beats_and_figures_ride_along(client: APIClient) -> None:
    send(client, crop())
    answer = send(
        client,
        crop(plain_png(2)),
        beats={("gate", "t"): NOON + timedelta(seconds=30)},
        node={"version": "1.2", "queued": 3},
    )
    assert answer["Settings"]
    assert Track.objects.get().ended_at == later(30)
    node = EdgeNode.objects.get()
    assert (node.version, node.queued) == ("1.2", 3)


def test_a_dry_run_has_no_effect_at_all(client: APIClient) -> None:
    send(client, crop())
    beats = {("gate", "t"): later(30)}
    answer = send(client, crop(plain_png(2)), to="dry-run", beats=beats, node={"queued": 3})
    assert (answer.status_code, answer["Tracks"]) == (204, "p")
    assert Crop.objects.count() == 1
    assert Track.objects.get().ended_at == NOON
    assert EdgeNode.objects.get().queued == 0


def test_send_results_takes_it_too(client: APIClient) -> None:
    assert send(client, crop(), to="send-results").status_code == 204
    assert Crop.objects.get().deliver


def test_a_full_inbox_asks_to_come_back_later(client: APIClient, settings: object) -> None:
    settings.MAX_INBOX = 0
    send(client, crop())
    answer = send(client, crop(plain_png(2)))
    assert (answer.status_code, answer.json()["type"]) == (503, "inbox-full")
    assert int(answer["Retry-After"]) > 0

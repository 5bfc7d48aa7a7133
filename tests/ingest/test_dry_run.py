"""`dry-run` takes crops and keeps nothing."""

from rest_framework.test import APIClient

from detections.models import Crop, Track
from recognition.models import Job
from tests.fabricated import plain_png
from tests.ingest.posting import crop, post


def test_nothing_is_stored(operator: APIClient) -> None:
    sent = [crop(track="t") for _ in range(5)]
    answer = post(operator, sent, to="dry-run")
    assert answer.status_code == 202
    assert answer.json() == {"job": None, "job_url": None, "accepted": [one["id"] for one in sent], "rejected": []}
    assert not any(model.objects.exists() for model in (Crop, Job, Track))


def test_a_missing_part_is_reported_as_for_real(operator: APIClient) -> None:
    there, missing = crop(), crop()
    body = post(operator, [there, missing], {there["id"]: plain_png()}, to="dry-run").json()
    assert [one["code"] for one in body["rejected"]] == ["no-image"]


def test_a_full_inbox_does_not_matter(operator: APIClient, settings: object) -> None:
    settings.MAX_INBOX = 0
    assert post(operator, [crop()], to="dry-run").status_code == 202

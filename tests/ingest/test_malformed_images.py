"""Broken, hostile and unusual image files through every address that takes images: answered, soon, never with a 5xx."""

import time
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from detections.models import Crop, Detection
from detections.processing import process_batch
from tests.fabricated import make_camera, make_person
from tests.ingest.posting import ROOT, crop, post

FEW_SECONDS = 10  # of processor time: other work on the machine counts for nothing

pytestmark = [pytest.mark.corpus, pytest.mark.usefixtures("storage")]


@pytest.fixture
def files(corpus: Path) -> list[Path]:
    found = [path for path in sorted((corpus / "malformed").iterdir()) if path.suffix != ".tsv"]
    assert len(found) > 60
    return found


def post_file(client: APIClient, url: str, path: Path) -> object:
    begun = time.process_time()
    answer = client.post(url, {"image": SimpleUploadedFile(path.name, path.read_bytes())}, format="multipart")
    assert time.process_time() - begun < FEW_SECONDS, path.name
    return answer


def test_get_results_answers_every_file(operator: APIClient, files: list[Path]) -> None:
    for path in files:
        answer = post_file(operator, f"{ROOT}/get-results", path)
        assert answer.status_code in {200, 422}, path.name
        if answer.status_code == 422:
            assert answer.json()["detail"], path.name


def test_enrolment_gives_every_file_a_verdict(operator: APIClient, files: list[Path]) -> None:
    make_person("ada")
    for path in files:
        answer = post_file(operator, "/api/v1/dataset/ada/image", path)
        # 409: two of the files are the same empty one, which is judged anew, or a known photo.
        assert answer.status_code in {201, 409, 422}, path.name


@pytest.mark.parametrize("to", ["store-results", "send-results"])
def test_every_crop_is_rejected_at_once_or_leaves_the_inbox(operator: APIClient, files: list[Path], to: str) -> None:
    make_camera()
    accepted = 0
    for path in files:
        sent = crop()
        answer = post(operator, [sent], {sent["id"]: path.read_bytes()}, to=to)
        assert answer.status_code in {202, 400}, path.name
        accepted += answer.status_code == 202
    assert accepted > 10
    begun = time.process_time()
    while process_batch():
        pass
    assert time.process_time() - begun < 3 * FEW_SECONDS
    assert not Crop.objects.filter(state=Crop.State.PENDING).exists()
    assert Crop.objects.count() == accepted
    for dead in Crop.objects.filter(state=Crop.State.DEAD):
        assert dead.attempts == 1, "an unreadable image is no reason to try again"
        assert dead.error
    assert Detection.objects.exists()


def test_dry_run_takes_every_file(operator: APIClient, files: list[Path]) -> None:
    for path in files:
        sent = crop()
        assert post(operator, [sent], {sent["id"]: path.read_bytes()}, to="dry-run").status_code == 202, path.name

"""The comparison of detectors counts faces in the middle, and any face in crops."""

import json
from pathlib import Path

import pytest

from bench.detectors import main

pytestmark = pytest.mark.corpus


def test_every_pack_gets_recall_and_time(corpus: Path, pack_folder: Path, capsys: pytest.CaptureFixture) -> None:
    arguments = [str(pack_folder), "--data", str(corpus / "lfw_dev" / "people"), "--photos", "6"]
    assert main(arguments) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])[pack_folder.name]
    assert (figures["photo_recall"], figures["crop_recall"]) == (1, 1)
    assert min(figures["photo_ms"], figures["crop_ms"]) > 0


def test_a_folder_without_photos_is_an_error_that_says_so(
    tmp_path: Path, pack_folder: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main([str(pack_folder), "--data", str(tmp_path)]) == 1
    assert "holds no NAME/photo.jpg" in capsys.readouterr().err

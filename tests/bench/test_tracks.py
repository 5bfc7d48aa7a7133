"""Tracks are made of worsened crops, one photo after the other, and their figures come as JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from bench.corpus import photos
from bench.edgecrops import sent_crop
from bench.tracks import LONGEST, main, tracks
from recognition.engine.images import decode, inspect
from recognition.engine.packs import Pack
from recognition.engine.pipeline import Pipeline


def test_a_crop_is_small_worsened_and_the_same_for_the_same_choice(pack: Pack) -> None:
    image = skimage.data.astronaut()
    ((found,),) = Pipeline(pack).analyse([image])
    crops = [sent_crop(image, found.face, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert crops[0] == crops[1] != crops[2]
    assert inspect(crops[0]).format == "WebP"
    assert max(decode(crops[0]).shape) <= 160
    ((worse,),) = Pipeline(pack).analyse([decode(crops[0])], crops=True)
    assert worse.quality.sharpness < found.quality.sharpness
    assert 0.9 < float(worse.vector @ found.vector) < 0.999


def test_a_track_shows_one_photo_after_the_other(small_corpus: Path, pack_folder: Path) -> None:
    groups = [group[:2] for group in photos(small_corpus / "people")]
    made = tracks(pack_folder, groups, None, "crops each")
    assert made.shape == (2, LONGEST, 128)
    ((first, second), _) = groups
    one_photo = tracks(pack_folder, [[first], [second]], None, "crops each")
    assert np.allclose(made[0, ::2], one_photo[0, : LONGEST // 2])
    assert np.allclose(made[0, 1::2], one_photo[1, : LONGEST // 2])


def test_the_last_line_is_json(small_corpus: Path, pack_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(small_corpus), "--pack", str(pack_folder)]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["named_5"] == 1.0
    assert figures["alarms_5"] == 0.0
    assert "named_2_varied" in figures
    assert "named_3_varied" not in figures

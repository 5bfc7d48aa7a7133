"""The codec study weighs and names crops of every kind, and finds the knee."""

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from bench import codecs
from bench.codecs import BEST, Variant, crops_of_photo, knee, main
from recognition.engine.images import decode, inspect

FEW = [BEST, Variant(160, "webp", 80), Variant(96, "webp", 20)]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "VARIANTS", FEW)


def row(codec: str, size: int, named: float) -> dict:
    return {"codec": codec, "bytes": size, "named": named}


@pytest.mark.parametrize("variant", codecs.VARIANTS, ids=str)
def test_every_variant_is_a_file_of_its_format_that_the_engine_reads(variant: Variant) -> None:
    data = variant.write(skimage.data.astronaut()[:160, :160])
    assert inspect(data).format.lower() == ("png" if variant.codec == "none" else variant.codec)
    assert decode(data).shape == (160, 160, 3)


def test_better_quality_weighs_more() -> None:
    image = skimage.data.astronaut()[:160, :160]
    for codec, (_, _, qualities, _) in codecs.WRITERS.items():
        sizes = [len(Variant(160, codec, quality).write(image)) for quality in qualities]
        assert sizes == sorted(sizes)


def test_uncompressed_crops_keep_the_vector_best(few: None, small_corpus: Path, pack_folder: Path) -> None:
    vectors, sizes = crops_of_photo(pack_folder, small_corpus / "people" / "astronaut" / "0.jpg")
    similar = vectors @ vectors[0]
    assert similar[0] == pytest.approx(1)
    assert 1 > similar[1] > similar[2] > 0.8
    assert sizes[0] > sizes[1] > sizes[2] > 0


def test_a_photo_without_a_face_weighs_nothing(few: None, small_corpus: Path, pack_folder: Path) -> None:
    vectors, sizes = crops_of_photo(pack_folder, small_corpus / "strangers" / "nobody" / "0.png")
    assert not np.any(vectors)
    assert sizes == [0, 0, 0]


def test_the_knee_is_the_lightest_that_loses_next_to_nothing() -> None:
    rows = [
        row("none", 9000, 0.93),
        row("webp", 2000, 0.93),
        row("webp", 1500, 0.926),
        row("avif", 900, 0.8),
    ]
    assert knee(rows) == rows[2]
    assert knee(rows[:1]) == rows[0]


def test_the_last_line_is_json(
    few: None, small_corpus: Path, pack_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(small_corpus), "--pack", str(pack_folder)]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["people"], told["probes"], told["strangers"]) == (2, 4, 1)
    assert [(one["side"], one["codec"]) for one in told["variants"]] == [(160, "none"), (160, "webp"), (96, "webp")]
    assert told["variants"][0]["named"] == 1
    assert told["knee"] in told["variants"]


def test_a_folder_of_another_layout_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err

"""The accuracy benchmark counts rightly, and its last line can be read by programs."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.accuracy import main, pair_accuracy


def test_separable_pairs_are_all_decided_rightly() -> None:
    same = np.arange(200) % 2 == 0
    measured = pair_accuracy(np.where(same, 0.9, 0.1) + np.linspace(0, 0.1, 200), same)
    assert (measured.rate, measured.error) == (1, 0)


def test_unrelated_similarities_decide_about_half_the_pairs() -> None:
    random = np.random.default_rng(0)
    measured = pair_accuracy(random.random(4000), random.random(4000) < 0.5)
    assert measured.rate == pytest.approx(0.5, abs=0.05)
    assert measured.error == pytest.approx(np.sqrt(0.25 / 4000), rel=0.05)


def test_the_last_line_is_json_with_the_promised_keys_also_from_kept_vectors(
    small_corpus: Path, pack_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", str(small_corpus), "--pack", str(pack_folder), "--keep", str(tmp_path / "kept")]
    assert main(options) == 0
    lines = capsys.readouterr().out.splitlines()
    assert json.loads(lines[-1]) == {
        "pair_accuracy": 1.0,
        "rank1": 1.0,
        "tpir_at_fpir_0_1pct": 1.0,
        "tpir_at_fpir_1pct": 1.0,
        "tpir_at_fpir_10pct": 1.0,
        "people": 2,
        "probes": 4,
        "strangers": 1,
    }
    assert any("no face found in 1 " in line for line in lines)
    assert sum("±" in line for line in lines) == 5
    assert main(options) == 0
    again = capsys.readouterr().out.splitlines()
    assert again[-1] == lines[-1]
    assert not any("Embedding" in line for line in again)


def test_a_folder_of_another_layout_is_an_error(
    tmp_path: Path, pack_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path), "--pack", str(pack_folder)]) == 1
    assert str(tmp_path / "pairs.tsv") in capsys.readouterr().err

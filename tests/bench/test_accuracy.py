"""The accuracy benchmark counts rightly, and its last line can be read by programs."""

import json
from pathlib import Path

import cv2
import matplotlib.cbook
import numpy as np
import pytest
import skimage.data

from bench.accuracy import Probes, identification, main, open_set, pair_accuracy


def probes(right: list[bool], scores: list[float], strangers: list[float]) -> Probes:
    return Probes(np.arange(len(right)), np.array(right), np.array(scores), np.array(strangers))


def test_separable_pairs_are_all_decided_rightly() -> None:
    same = np.arange(200) % 2 == 0
    measured = pair_accuracy(np.where(same, 0.9, 0.1) + np.linspace(0, 0.1, 200), same)
    assert (measured.rate, measured.error) == (1, 0)


def test_unrelated_similarities_decide_about_half_the_pairs() -> None:
    random = np.random.default_rng(0)
    measured = pair_accuracy(random.random(4000), random.random(4000) < 0.5)
    assert measured.rate == pytest.approx(0.5, abs=0.05)
    assert measured.error == pytest.approx(np.sqrt(0.25 / 4000), rel=0.05)


def test_identification_counts_right_labels_above_the_strangers_allowed() -> None:
    found = probes([True, True, False, True], [0.9, 0.5, 0.8, 0.7], [0.6, *[0.1] * 99])
    assert identification(found, 0.001) == 0.5  # no stranger may pass: only above 0.6
    assert identification(found, 0.01) == 0.75  # one may


def test_rates_and_their_errors() -> None:
    random = np.random.default_rng(0)
    found = probes([True] * 90 + [False] * 10, random.random(100).tolist(), [-1.0] * 50)
    rates = open_set(found)
    assert rates["rank1"].rate == rates["tpir_at_fpir_1pct"].rate == 0.9
    assert rates["rank1"].error == pytest.approx(0.03, abs=0.01)


@pytest.fixture
def small_corpus(tmp_path: Path) -> Path:
    """Two people, five versions of one photo each, and a stranger without a face."""
    portraits = {
        "astronaut": cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR),
        "hopper": cv2.imread(str(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))),
    }
    pairs = []
    for name, photo in portraits.items():
        folder = tmp_path / "people" / name
        folder.mkdir(parents=True)
        for number in range(5):
            small = cv2.resize(photo, (200 + 10 * number, 200 + 10 * number), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(folder / f"{number}.jpg"), small)
            pairs += [(name, number, "astronaut", 0), (name, number, "hopper", 1)]
    stranger = tmp_path / "strangers" / "nobody"
    stranger.mkdir(parents=True)
    cv2.imwrite(str(stranger / "0.png"), np.zeros((100, 100, 3), np.uint8))
    rows = [f"people/{a}/{i}.jpg\tpeople/{b}/{j}.jpg\t{int(a == b)}" for a, i, b, j in pairs]
    (tmp_path / "pairs.tsv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_the_last_line_is_json_with_the_promised_keys(
    small_corpus: Path, pack_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(small_corpus), "--pack", str(pack_folder)]) == 0
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
    assert any("no face found in 1" in line for line in lines)
    assert sum("±" in line for line in lines) == 5


def test_a_folder_of_another_layout_is_an_error(
    tmp_path: Path, pack_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path), "--pack", str(pack_folder)]) == 1
    assert str(tmp_path / "people") in capsys.readouterr().err

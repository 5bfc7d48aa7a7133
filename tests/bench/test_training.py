"""The benchmark of training makes up galleries like real ones, and its last line can be read by programs."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.training import MadeUpPeople, main
from recognition.engine.embedder import unit


def run(capsys: pytest.CaptureFixture[str], pack: Path, *options: str) -> dict[str, float | int | str]:
    assert main(["--pack", str(pack), *options]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize("classifier", ["gallery", "linear-svm"])
def test_the_last_line_is_json_with_the_promised_keys(
    pack_folder: Path, capsys: pytest.CaptureFixture[str], classifier: str
) -> None:
    results = run(capsys, pack_folder, "--people", "12", "--vectors", "3", "--classifier", classifier)
    asked = {"people": 12, "vectors": 3, "classifier": classifier}
    assert results.items() >= asked.items()
    figures = "train_s add_one_s mixups_s identify_ms identify_alone_ms artifact_mb dump_ms load_ms peak_mb"
    assert set(results) == {*asked, *figures.split()}
    assert all(results[name] > 0 for name in figures.split() if name != "artifact_mb")


def test_a_gallery_of_one_person_with_one_photo_can_be_measured(
    pack_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, pack_folder, "--people", "1", "--vectors", "1")["people"] == 1


def test_made_up_photos_are_as_alike_as_real_ones() -> None:
    makes = MadeUpPeople(128, np.random.default_rng(0))
    people = makes.people(430)
    photos = makes.photos(people, 5).reshape(430, 5, 128)
    within = np.sum(photos[:, 0] * photos[:, 1], axis=1)
    between = photos[:, 0] @ photos[:, 0].T
    strangers = makes.photos(makes.people(900), 1) @ unit(photos[:, :3].mean(axis=1)).T
    # What the vectors of dlib-resnet show on 430 people and 900 strangers of LFW.
    assert np.percentile(within, [5, 50, 95]) == pytest.approx([0.929, 0.957, 0.978], abs=0.01)
    assert np.percentile(between, [5, 50, 95]) == pytest.approx([0.782, 0.841, 0.894], abs=0.02)
    assert np.percentile(strangers.max(axis=1), [5, 50, 95]) == pytest.approx([0.916, 0.930, 0.948], abs=0.01)


@pytest.mark.parametrize("option", ["--people", "--vectors"])
@pytest.mark.parametrize("number", ["0", "-5", "many"])
def test_numbers_that_make_no_gallery_are_refused(option: str, number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([option, number])
    assert stopped.value.code == 2
    assert option in capsys.readouterr().err


def test_a_missing_pack_is_an_error_that_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--pack", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err

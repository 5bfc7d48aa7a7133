"""`manage.py evaluate` tells how well an operator's own photos are recognised, and leaves no trace."""

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from people.evaluation import find_photos
from tests.photographs import blurred, faceless, portrait

PEOPLE, STRANGERS = 10, 12


@pytest.fixture
def folder(tmp_path: Path, corpus: Path) -> Path:
    """Ten people in four photos each, and twelve strangers."""
    for kind, count, photos in (("people", PEOPLE, 4), ("strangers", STRANGERS, 1)):
        for person in sorted((corpus / "lfw_dev" / kind).iterdir())[:count]:
            (tmp_path / "own" / kind / person.name).mkdir(parents=True)
            for photo in sorted(person.iterdir())[:photos]:
                shutil.copy(photo, tmp_path / "own" / kind / person.name)
    return tmp_path / "own"


def evaluate(folder: Path, *options: str) -> str:
    out = StringIO()
    call_command("evaluate", str(folder), *options, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.mark.corpus
def test_the_table_says_what_was_used_and_how_well_it_went(folder: Path, storage: Path) -> None:
    """Without a database: any query would fail this test."""
    shown = evaluate(folder)
    for part in ("dlib-resnet@", "several faces", "10 enrolled on up to 3 photos", "strangers", "1.0 %", "expected"):
        assert part in shown
    assert not storage.exists()


@pytest.mark.corpus
def test_the_figures_as_json_add_up(folder: Path) -> None:
    figures = json.loads(evaluate(folder, "--json"))
    assert figures["photos"] == 4 * PEOPLE + STRANGERS
    assert figures["enrolled"] <= PEOPLE
    assert figures["stranger_photos"] == figures["strangers"] <= STRANGERS
    assert figures["rank1"]["rate"] > 0.9
    named = [row["named"]["rate"] for row in figures["at_rate"]]
    thresholds = [row["threshold"] for row in figures["at_rate"]]
    assert named == sorted(named, reverse=True)
    assert thresholds == sorted(thresholds)
    assert figures["false_alarms"]["rate"] <= 1 / STRANGERS
    assert figures["look_alikes"] == []


@pytest.mark.corpus
def test_refused_photos_are_counted_by_reason_and_not_used(folder: Path) -> None:
    before = json.loads(evaluate(folder, "--json"))
    person = next((folder / "people").iterdir())
    for name, data in {"empty.jpg": b"", "wall.jpg": faceless(), "blurred.jpg": blurred(), ".hidden": b"x"}.items():
        (person / name).write_bytes(data)
    after = json.loads(evaluate(folder, "--json"))
    added = {reason: count - before["refused"].get(reason, 0) for reason, count in after["refused"].items()}
    assert {reason for reason, count in added.items() if count} == {
        "Not a readable image", "No face found", "Face too blurred"
    }  # fmt: skip
    assert (after["photos"], after["probes"]) == (before["photos"] + 3, before["probes"])


@pytest.mark.corpus
def test_one_person_under_two_names_is_pointed_out(folder: Path) -> None:
    person = min((folder / "people").iterdir())
    shutil.copytree(person, folder / "people" / "Zoe Twice")
    assert json.loads(evaluate(folder, "--json"))["look_alikes"] == [[person.name, "Zoe Twice"]]


@pytest.mark.corpus
def test_without_strangers_every_second_person_is_one(folder: Path) -> None:
    shutil.rmtree(folder / "strangers")
    for layout in (folder, folder / "people"):
        figures = json.loads(evaluate(layout, "--json"))
        assert figures["enrolled"] + figures["strangers"] <= PEOPLE
        assert figures["strangers"] >= PEOPLE // 2 - 1


def test_people_and_strangers_are_taken_apart_the_same_way_each_time(tmp_path: Path) -> None:
    for name in "dbca":
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").touch()
    (tmp_path / "notes.txt").touch()
    people, strangers = find_photos(tmp_path)
    assert (list(people), list(strangers)) == (["a", "c"], ["b", "d"])


@pytest.mark.parametrize("names", [[], ["ada"], ["ada", "grace"]])
def test_too_few_people_or_photos_are_an_error_that_says_so(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(portrait())
    with pytest.raises(CommandError, match="two usable photos"):
        evaluate(tmp_path)


def test_a_missing_folder_or_pack_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no folder"):
        evaluate(tmp_path / "absent")
    with pytest.raises(CommandError, match="packs build absent"):
        evaluate(tmp_path, "--pack", "absent")


@pytest.mark.corpus
def test_nobody_but_enrolled_people_is_an_error(tmp_path: Path, corpus: Path) -> None:
    shutil.copytree(corpus / "faces_other" / "dlib_johns" / "John_Salley", tmp_path / "people" / "John")
    with pytest.raises(CommandError, match="no strangers"):
        evaluate(tmp_path)

"""`recognize` against a running site: who is named, in the terminal and in the written video."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from access.models import ApiKey
from edge_client.drawing import BLUE, GREEN, RED, Label
from edge_client.programs import recognize
from people.enrolment import add_photo
from people.training import train
from tests.edge.programs.conftest import Edge, write_key, write_walk
from tests.fabricated import make_person
from tests.photographs import portrait, second_portrait


@pytest.fixture
def trained(site: dict) -> dict:
    """The site knows the astronaut."""
    person = make_person("Eileen")
    for photo in (portrait(), second_portrait()):
        add_photo(person, photo)
    train()
    return site


def answers(printed: str) -> list[list[str]]:
    return [line.split("\t") for line in printed.splitlines()]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[set[tuple[int, int, int]]]:
    """The colours of the boxes in each frame."""
    frames = []

    def annotate(image: np.ndarray, labels: list[Label]) -> np.ndarray:
        frames.append({label.colour for label in labels})
        return draw(image, labels)

    draw = recognize.annotate
    monkeypatch.setattr(recognize, "annotate", annotate)
    return frames


@pytest.mark.parametrize("multithreading", [None, True])
def test_the_enrolled_person_is_named_and_the_other_is_not(
    edge: Edge, trained: dict, tmp_path: Path, drawn: list, capsys, multithreading: bool | None
) -> None:
    video = write_walk(tmp_path / "two.mp4", "astronaut", "grace_hopper")
    assert edge("recognize", **trained, headless=True, multithreading=multithreading, video_source=video) == 0
    found = answers(capsys.readouterr().out)
    assert {(name, float(share) > 0.5) for _, _, name, share in found} == {("Eileen", True), ("unknown", False)}
    if not multithreading:  # else nobody knows which frame an answer comes to
        assert drawn[-1] == {GREEN, BLUE}


def test_small_faces_are_shown_in_red_and_nobody_is_asked(
    edge: Edge, trained: dict, tmp_path: Path, drawn: list, capsys
) -> None:
    video = write_walk(tmp_path / "small.mp4", "astronaut", height=240)
    assert edge("recognize", **trained, headless=True, min_size=70, video_source=video) == 0
    assert capsys.readouterr().out == ""
    assert set().union(*drawn) == {RED}


def test_the_written_video_shows_the_boxes_and_lasts_as_long(edge: Edge, site: dict, tmp_path: Path) -> None:
    video, boxes = write_walk(tmp_path / "one.mp4", "astronaut", sway=0), tmp_path / "boxes.mp4"
    assert edge("recognize", **site, headless=True, video_source=video, output=boxes) == 0
    before, after = cv2.VideoCapture(str(video)), cv2.VideoCapture(str(boxes))
    seconds = [one.get(cv2.CAP_PROP_FRAME_COUNT) / one.get(cv2.CAP_PROP_FPS) for one in (before, after)]
    assert seconds[1] == pytest.approx(seconds[0], abs=0.15)
    changed = np.abs(before.read()[1].astype(int) - after.read()[1]).max(axis=2) > 100
    assert 300 < changed.sum() < changed.size / 20


def test_without_a_model_everyone_is_unknown(edge: Edge, site: dict, tmp_path: Path, capsys) -> None:
    video = write_walk(tmp_path / "one.mp4", "astronaut", seconds=1)
    assert edge("recognize", **site, headless=True, video_source=video) == 0
    assert {name for _, _, name, _ in answers(capsys.readouterr().out)} == {"unknown"}


def test_a_key_that_may_not_ask_ends_it(
    edge: Edge, site: dict, tmp_path: Path, make_key: Callable[..., str], caplog
) -> None:
    key = make_key(ApiKey.Scope.INTEGRATION)
    ApiKey.objects.get(scope=ApiKey.Scope.INTEGRATION).revoke()
    site["key_file"] = write_key(tmp_path, key)
    video = write_walk(tmp_path / "one.mp4", "astronaut", seconds=1)
    assert edge("recognize", **site, headless=True, video_source=video) == 4
    assert "Use an API key of the scope integration" in caplog.text


def test_without_a_display_the_program_says_how_to_go_on(
    edge: Edge, site: dict, tmp_path: Path, monkeypatch, caplog
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    video = write_walk(tmp_path / "one.mp4", seconds=1)
    assert edge("recognize", **site, video_source=video) == 2
    assert "use --headless" in caplog.text


def test_a_video_that_cannot_be_written_is_named_at_once(edge: Edge, site: dict, tmp_path: Path, caplog) -> None:
    video = write_walk(tmp_path / "one.mp4", seconds=1)
    assert edge("recognize", **site, headless=True, video_source=video, output=tmp_path / "boxes.doc") == 2
    assert "must end in .mp4" in caplog.text


def test_names_that_nobody_gave_fail_the_run(edge: Edge, site: dict, tmp_path: Path, caplog) -> None:
    write_walk(tmp_path / "walk.mp4", "astronaut")
    away = site | {"server": "http://127.0.0.1:9"}
    assert edge("recognize", **away, video_source=tmp_path / "walk.mp4", headless=True) == 1
    assert "cannot reach" in caplog.text


def test_a_missing_webcam_is_named(edge: Edge, site: dict, caplog) -> None:
    assert edge("recognize", **site, headless=True, video_source=63) == 3
    assert "webcam 63" in caplog.text


@pytest.mark.corpus
def test_a_person_on_a_real_video_is_named_after_enrolment_from_it(
    edge: Edge, site: dict, corpus: Path, tmp_path: Path, capsys
) -> None:
    make_person("Talker")
    video = corpus / "videos" / "talk_480p.mp4"
    options = {"headless": True, "video_source": video, "target_fps": 3}
    assert edge("enroll-camera", **site, **options, person_id="Talker", img_number=3) == 0
    train()
    capsys.readouterr()
    assert edge("recognize", **site, **options) == 0
    assert {name for _, _, name, _ in answers(capsys.readouterr().out)} == {"Talker"}

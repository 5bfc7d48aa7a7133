"""`extract`: the faces of a video or of images as files, with a list of them."""

import csv
import os
from pathlib import Path

import cv2
import pytest

from edge_client.programs import extract
from tests.edge.programs.conftest import Edge, write_walk
from tests.photographs import faceless, montage, portrait


def rows(output: Path) -> list[dict[str, str]]:
    with (output / "faces.tsv").open(newline="") as file:
        return list(csv.DictReader(file, dialect="excel-tab"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "Ada").mkdir(parents=True)
    (folder / "Ada" / "1.jpg").write_bytes(portrait())
    (folder / "two.jpg").write_bytes(montage())
    (folder / "wall.png").write_bytes(faceless())
    return folder


def test_each_face_becomes_a_file_under_its_image_s_name(edge: Edge, photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "faces"
    assert edge("extract", input_folder=photos, output=output) == 0
    files = {path.relative_to(output).as_posix() for path in output.rglob("*.jpg")}
    assert files == {"Ada/1.jpg-1.jpg", "two.jpg-1.jpg", "two.jpg-2.jpg"}
    assert {row["file"] for row in rows(output)} == files | {None}
    assert {row["picture"] for row in rows(output)} == {"Ada/1.jpg", "two.jpg", "wall.png"}


def test_a_face_comes_with_its_surroundings(edge: Edge, photos: Path, tmp_path: Path) -> None:
    edge("extract", input_folder=photos, output=tmp_path / "faces")
    row = next(row for row in rows(tmp_path / "faces") if row["picture"] == "Ada/1.jpg")
    face = float(row["y2"]) - float(row["y1"])
    image = cv2.imread(str(tmp_path / "faces" / row["file"]))
    assert image.shape[1] == pytest.approx(2 * face, abs=3)


def test_the_frames_of_a_video_are_named_by_their_moment(edge: Edge, tmp_path: Path) -> None:
    video = write_walk(tmp_path / "visit.mp4", "astronaut", seconds=1)
    output = tmp_path / "faces"
    assert edge("extract", video_source=video, target_fps=2, output=output) == 0
    assert [row["picture"] for row in rows(output)] == ["visit.mp4-00000.000", "visit.mp4-00000.500"]


def test_the_frames_of_a_fast_video_have_names_of_their_own(edge: Edge, tmp_path: Path) -> None:
    video = write_walk(tmp_path / "fast.mp4", "astronaut", seconds=0.05, fps=240)
    assert edge("extract", video_source=video, output=tmp_path / "faces") == 0
    assert len({row["picture"] for row in rows(tmp_path / "faces")}) == 12


def test_a_second_run_on_a_video_lists_no_face_twice(edge: Edge, tmp_path: Path) -> None:
    video = write_walk(tmp_path / "visit.mp4", "astronaut", seconds=1)
    output = tmp_path / "faces"
    edge("extract", video_source=video, target_fps=2, output=output)
    before = rows(output)
    assert edge("extract", video_source=video, target_fps=2, output=output) == 0
    assert rows(output) == before


def test_boxes_keep_the_frames_with_white_boxes(edge: Edge, photos: Path, tmp_path: Path) -> None:
    output = tmp_path / "faces"
    edge("extract", input_folder=photos, output=output, boxes=True)
    assert {path.name for path in output.rglob("*-boxes.jpg")} == {"1.jpg-boxes.jpg", "two.jpg-boxes.jpg"}
    drawn = cv2.imread(str(output / "two.jpg-boxes.jpg"))
    plain = cv2.imread(str(photos / "two.jpg"))
    assert drawn.shape == plain.shape
    row = next(row for row in rows(output) if row["picture"] == "two.jpg")
    middle = drawn[round(float(row["y1"])), round((float(row["x1"]) + float(row["x2"])) / 2)]
    assert (middle > 200).all()


def test_a_second_run_searches_new_images_only(edge: Edge, photos: Path, tmp_path: Path, monkeypatch) -> None:
    output = tmp_path / "faces"
    edge("extract", input_folder=photos, output=output)
    before = rows(output)
    (photos / "new.jpg").write_bytes(portrait())
    read, pictures = [], extract.pictures
    monkeypatch.setattr(pictures, "read", lambda path, look=pictures.read: read.append(path.name) or look(path))
    assert edge("extract", input_folder=photos, output=output) == 0
    assert read == ["new.jpg"]
    assert rows(output)[: len(before)] == before
    assert [row["picture"] for row in rows(output)[len(before) :]] == ["new.jpg"]


def test_a_damaged_image_is_named_and_the_others_are_done(edge: Edge, photos: Path, tmp_path: Path, capsys) -> None:
    (photos / "a.jpg").write_bytes(b"no image")
    assert edge("extract", input_folder=photos, output=tmp_path / "faces") == 1
    printed = capsys.readouterr().out
    assert "a.jpg: not a readable image" in printed
    assert "3 faces in 3 pictures, 1 unreadable" in printed


def test_names_with_tabs_and_quotes_survive_the_list(edge: Edge, tmp_path: Path) -> None:
    photos, name = tmp_path / "photos", 'odd\t"name".jpg'
    photos.mkdir()
    (photos / name).write_bytes(portrait())
    edge("extract", input_folder=photos, output=tmp_path / "faces")
    assert [row["picture"] for row in rows(tmp_path / "faces")] == [name]
    assert (tmp_path / "faces" / rows(tmp_path / "faces")[0]["file"]).is_file()


def test_names_that_are_no_text_survive_too(edge: Edge, tmp_path: Path) -> None:
    photos, name = tmp_path / "photos", os.fsdecode(b"caf\xe9.jpg")
    photos.mkdir()
    for each in (name, "later.jpg"):
        (photos / each).write_bytes(portrait())
    for _ in range(2):
        assert edge("extract", input_folder=photos, output=tmp_path / "faces") == 0
    with (tmp_path / "faces" / "faces.tsv").open(newline="", errors="surrogateescape") as file:
        assert [row["picture"] for row in csv.DictReader(file, dialect="excel-tab")] == [name, "later.jpg"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ({}, 2, "name either --video-source or --input-folder"),
        ({"input_folder": "photos", "video_source": "0"}, 2, "name either"),
        ({"input_folder": "photos", "output": "photos/faces"}, 2, "name a folder outside --input-folder"),
        ({"input_folder": "photos", "output": "photos/two.jpg/faces"}, 2, "--output"),
        ({"video_source": "missing.mp4"}, 2, "there is no file missing.mp4"),
        ({"video_source": "photos/two.tsv"}, 2, "there is no file"),
        ({"input_folder": "photos", "min_size": 50, "max_size": 40}, 2, "max_size must be larger"),
    ],
)
def test_what_makes_no_sense_is_named(
    edge: Edge, photos: Path, tmp_path: Path, monkeypatch, caplog, options: dict, code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert edge("extract", **{"output": tmp_path / "faces"} | options) == code
    assert message in caplog.text


def test_a_damaged_video_is_named(edge: Edge, tmp_path: Path, caplog) -> None:
    (tmp_path / "empty.mp4").touch()
    assert edge("extract", video_source=tmp_path / "empty.mp4", output=tmp_path / "faces") == 3
    assert "cannot open" in caplog.text


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("video", "found"),
    [("station_entrance_1080p.mp4", True), ("asl_again_480p.mkv", True), ("traffic_360p.mp4", False)],
)
def test_real_videos_give_their_faces(edge: Edge, corpus: Path, tmp_path: Path, video: str, found: bool) -> None:
    assert edge("extract", video_source=corpus / "videos" / video, target_fps=0.5, output=tmp_path / "faces") == 0
    assert any(row["file"] for row in rows(tmp_path / "faces")) is found

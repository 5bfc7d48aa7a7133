"""Which files of a folder are images, and what becomes of damaged ones."""

import errno
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_client import pictures
from edge_client.settings import ConfigError


def test_images_are_found_in_subfolders_in_order_and_nothing_else(tmp_path: Path) -> None:
    wanted = ["a.JPG", "b/c.png", "b/d.webp", "e.avif"]
    for name in [*wanted, "notes.txt", ".thumbnails/x.jpg", "b/._c.png", "video.mp4"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    assert [path.relative_to(tmp_path).as_posix() for path in pictures.find(tmp_path)] == wanted


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no image in"):
        pictures.find(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        pictures.find(tmp_path / "nowhere")


def test_pixels_come_as_rgb(tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), np.full((4, 6, 3), (0, 0, 255), np.uint8))
    image = pictures.read(path)
    assert image is not None
    assert image.shape == (4, 6, 3)
    assert (image == (255, 0, 0)).all()


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe0 cut short"])
def test_what_cannot_be_read_is_no_image(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged.jpg"
    path.write_bytes(content)
    assert pictures.read(path) is None


def test_images_are_searched_that_no_server_would_take(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    noise = np.random.default_rng(1).integers(0, 255, (2200, 2200, 3), np.uint8)
    path.write_bytes(cv2.imencode(".png", noise)[1].tobytes())
    assert path.stat().st_size > pictures.MAX_BYTES
    assert pictures.read(path).shape == noise.shape


def test_a_folder_that_cannot_be_read_is_named_and_left_out(tmp_path: Path, monkeypatch, caplog) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"x")
    list_folder, look = os.scandir, Path.is_file

    def closed(path: object) -> PermissionError:
        return PermissionError(errno.EACCES, "Permission denied", str(path))

    def scandir(path: object) -> object:  # a folder that only others may list
        if str(path).endswith("/b"):
            raise closed(path)
        return list_folder(path)

    def is_file(path: Path) -> bool:  # a folder that may be listed, not entered
        if path.parent.name == "c":
            raise closed(path)
        return look(path)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(Path, "is_file", is_file)
    assert pictures.find(tmp_path) == [tmp_path / "a" / "1.jpg"]
    for left_out in ("b", "c/1.jpg"):
        assert f"{tmp_path / left_out} cannot be read and is left out: Permission denied" in caplog.text


def test_a_file_that_no_server_takes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "video renamed.jpg"
    with path.open("wb") as file:
        file.truncate(pictures.MAX_BYTES + 1)
    with pytest.raises(pictures.PictureError, match="at most 12 can be sent"):
        pictures.load(path)


@pytest.mark.corpus
def test_malformed_files_are_images_or_not_but_never_a_crash(corpus: Path) -> None:
    paths = [path for path in sorted((corpus / "malformed").iterdir()) if path.is_file()]
    images = [pictures.read(path) for path in paths]
    assert any(image is None for image in images)
    assert any(image is not None for image in images)

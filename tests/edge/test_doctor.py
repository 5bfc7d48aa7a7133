"""The doctor says of each part whether it works and what to do, and its exit code is that of what fails first."""

import weakref
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from edge_client.__main__ import main
from edge_client.config import KEY_VARIABLE, MODELS_VARIABLE
from edge_client.programs import doctor
from edge_client.source import Frame
from tests.edge.conftest import write_video
from tests.edge.test_node import camera


@pytest.fixture
def examine(server, key_file, video, pack_folder, monkeypatch, capsys):
    """Runs the doctor on a node that is well, but for what is told. Returns the exit code and the lines."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setenv(MODELS_VARIABLE, str(pack_folder))

    def run(**changes: object) -> tuple[int, str]:
        options = {"server": server.url, "key-file": key_file, "camera": "entrance", "video-source": video}
        options |= {"spool": key_file.with_name("spool.sqlite3")}
        options |= {name.replace("_", "-"): value for name, value in changes.items()}
        code = main(["doctor", *(part for name, value in options.items() for part in (f"--{name}", str(value)))])
        return code, capsys.readouterr().out

    return run


def test_node_that_is_well_is_told_so(examine):
    code, text = examine()
    assert code == 0
    assert [line.split(":")[0].split(maxsplit=1) for line in text.splitlines()] == [
        ["ok", part] for part in ("disk", "key", "clock", "link", "detector mtcnn", "camera entrance")
    ]
    assert "160x120 at 10 frames/s" in text
    assert "finds a drawn face" in text


def test_wrong_key_is_told(examine, tmp_path):
    (tmp_path / "other.key").write_text("revoked")
    code, text = examine(key_file=tmp_path / "other.key")
    assert code == 4
    assert "FAIL  key: the server does not accept the API key" in text
    assert "→ make an edge key" in text
    assert "ok    camera entrance" in text  # the rest is still looked at


def test_absent_server_is_told(examine):
    code, text = examine(server="http://127.0.0.1:9")
    assert code == 1
    assert "FAIL  server: cannot reach http://127.0.0.1:9/api/v1" in text


def test_camera_of_another_node_is_told(examine):
    code, text = examine(camera="garage")
    assert code == 4
    assert "no camera 'garage' for this key; cameras: entrance" in text


def test_camera_of_a_file_that_would_be_left_out_is_told(examine, server, key_file, video, capsys):
    config = key_file.with_name("edge.toml")
    cameras = "".join(f"[cameras.{name}]\nsource = {str(video)!r}\n" for name in ("entrance", "gaet"))
    config.write_text(f"server = {server.url!r}\nkey_file = {str(key_file)!r}\nspool = 'spool.sqlite3'\n{cameras}")
    assert main(["doctor", "--config", str(config)]) == 4
    text = capsys.readouterr().out
    assert "FAIL  cameras: the server has no camera 'gaet'" in text
    assert "ok    camera entrance" in text


def test_camera_that_is_not_there_is_told_without_its_password(examine):
    code, text = examine(video_source="rtsp://user:secret@127.0.0.1:9/1")
    assert code == 3
    assert "FAIL  camera entrance: cannot open rtsp://127.0.0.1:9/1" in text
    assert "secret" not in text


def test_dark_picture_is_told(examine, tmp_path):
    write_video(tmp_path / "night.mp4", levels=[0] * 5, fps=10)
    code, text = examine(video_source=tmp_path / "night.mp4")
    assert code == 0
    assert "warn  camera entrance" in text
    assert "the picture is dark" in text


def test_camera_is_looked_at_without_keeping_its_frames(monkeypatch):
    """A hundred of 4K are more than a box has memory."""
    given: list[weakref.ref[np.ndarray]] = []
    kept = []

    def frames(*_: object, **__: object) -> Iterator[Frame]:
        for number in range(200):
            image = np.full((120, 160, 3), 90, np.uint8)
            given.append(weakref.ref(image))
            kept.append(sum(one() is not None for one in given))
            yield Frame(image, datetime.now(UTC), number / 25)

    monkeypatch.setattr(doctor, "open_frames", frames)
    finding = doctor._camera(camera("entrance", "rtsp://10.0.0.7/1"))
    assert "160x120 at 25 frames/s" in finding.text
    assert max(kept) <= 3


def test_missing_detector_is_told(examine, tmp_path):
    code, text = examine(detector_models=tmp_path)
    assert code == 2
    assert "FAIL  detector mtcnn: the detector's models are missing" in text


def test_disk_that_cannot_be_written_is_told(examine, tmp_path):
    (tmp_path / "file").touch()
    code, text = examine(spool=tmp_path / "file" / "spool.sqlite3")
    assert code == 2
    assert "FAIL  disk: cannot write to" in text


@pytest.mark.parametrize(
    ("offset", "level", "words"),
    [
        (0.0, "ok", "the same as the server's"),
        (0.4, "ok", "0.4 s behind the server's"),
        (-5.0, "warn", "off, 5.0 s ahead of the server's"),
        (3600.0, "warn", "far off, 3600.0 s behind the server's"),
    ],
)
def test_wrong_clock_is_told(offset, level, words):
    finding = doctor._clock(offset)
    assert (finding.level, finding.text) == (level, words)

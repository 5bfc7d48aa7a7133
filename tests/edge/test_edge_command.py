"""The command says what is wrong with its options, key, camera or video, and its exit code tells which."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_client.__main__ import main
from edge_client.config import KEY_VARIABLE, MODELS_VARIABLE

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def edge(server, key_file, video, pack_folder, monkeypatch):
    """Runs the command in this process with working options, changed as told (None leaves one out)."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setenv(MODELS_VARIABLE, str(pack_folder))

    def run(*flags: str, **changes: object) -> int:
        options = {"server": server.url, "key-file": key_file, "camera": "entrance", "video-source": video}
        options |= {"spool": key_file.with_name("spool.sqlite3")}
        options |= {name.replace("_", "-"): value for name, value in changes.items()}
        pairs = [part for name, value in options.items() if value is not None for part in (f"--{name}", str(value))]
        return main(["run", *pairs, *flags])

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_video_without_faces_ends_well_and_sends_nothing(edge, server):
    assert edge() == 0
    assert server.uploads == []


def test_key_may_come_from_the_environment(edge, key_file, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, key_file.read_text())
    assert edge(key_file=None) == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"video_source": "missing.mp4"}, "there is no file missing.mp4"),
        ({"key_file": None}, f"(--key-file, key_file), or set {KEY_VARIABLE}"),
        ({"key_file": "nowhere/edge.key"}, "cannot read nowhere/edge.key"),
        ({"key_file": os.devnull}, "no API key"),
        ({"key_file": __file__}, "holds characters that no key has"),
        ({"server": "faces.example.org"}, "server: faces.example.org is not an address"),
        ({"server": "ftp://faces.example.org"}, "is not an address"),
        ({"server": "http://faces.example.org:many"}, "is not an address"),
        ({"server": "http://[::1"}, "is not an address"),
        ({"detector_models": "/nowhere"}, "no pnet.onnx, rnet.onnx, onet.onnx in /nowhere"),
        ({"max_size": 30}, "max_size must be larger than min_size"),
    ],
)
def test_wrong_option_is_named(edge, caplog, changes, message):
    assert edge(**changes) == 2
    assert message in caplog.text


def test_only_files_can_loop(edge, caplog):
    assert edge("--loop", video_source="0") == 2
    assert "--loop is for video files" in caplog.text


@pytest.mark.parametrize(
    ("option", "value"), [("skip-frames", "-1"), ("target-fps", "0"), ("min-confidence", "2"), ("min-size", "big")]
)
def test_number_out_of_range_is_named(edge, capsys, option, value):
    with pytest.raises(SystemExit) as caught:
        edge(**{option: value})
    assert caught.value.code == 2
    assert f"--{option}" in capsys.readouterr().err


def test_damaged_models_are_named(edge, tmp_path, caplog):
    for name in ("pnet", "rnet", "onet"):
        (tmp_path / f"{name}.onnx").write_bytes(b"damaged")
    assert edge(detector_models=tmp_path) == 2
    assert f"models in {tmp_path} cannot be loaded" in caplog.text


def test_broken_video_is_named(edge, tmp_path, caplog):
    (tmp_path / "empty.mp4").touch()
    assert edge(video_source=tmp_path / "empty.mp4") == 3
    assert "cannot open" in caplog.text


def test_missing_webcam_is_named(edge, caplog):
    assert edge(video_source=63) == 3
    assert "webcam 63" in caplog.text


def test_wrong_key_is_named(edge, tmp_path, caplog):
    (tmp_path / "other.key").write_text("revoked")
    assert edge(key_file=tmp_path / "other.key") == 4
    assert "does not accept the API key" in caplog.text


def test_unknown_camera_is_named_with_the_known_ones(edge, caplog):
    assert edge(camera="garage") == 4
    assert "no camera 'garage' for this key; cameras: entrance" in caplog.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_an_endless_run_with_its_totals(server, key_file, video, pack_folder, number):
    command = [sys.executable, "-m", "edge_client", "run", "--server", server.url, "--key-file", key_file]
    command += ["--camera", "entrance", "--video-source", video, "--loop", "--detector-models", pack_folder]
    command += ["--spool", key_file.with_name("spool.sqlite3")]
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
    while "INFO camera entrance" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(1.5)
    assert process.poll() is None
    process.send_signal(number)
    _, errors = process.communicate(timeout=15)
    assert process.returncode == 0
    assert "frames," in errors
    assert "0 crops sent, 0 rejected, 0 dropped, 0 undelivered" in errors


def test_node_starts_without_its_server(edge, caplog):
    assert edge(server="http://127.0.0.1:9") == 0
    assert "cannot reach http://127.0.0.1:9/api/v1: [Errno 111] Connection refused; starting without it" in caplog.text

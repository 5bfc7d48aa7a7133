"""`manage.py packs`."""

import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command


def packs(*arguments: str) -> str:
    out = StringIO()
    call_command("packs", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def empty(settings: object, tmp_path: Path) -> Path:
    settings.PACKS_DIR = tmp_path / "packs"
    return settings.PACKS_DIR


def test_list_shows_state_and_licence() -> None:
    listed = packs("list")
    assert "dlib-resnet (built, in use)" in listed
    assert "CC0-1.0" in listed
    assert "facenet-vggface2" in listed


def test_verify_accepts_a_whole_pack() -> None:
    assert "is whole" in packs("verify")


def test_verify_names_the_damaged_file(empty: Path, pack_folder: Path) -> None:
    shutil.copytree(pack_folder, empty / "dlib-resnet")
    (empty / "dlib-resnet" / "rnet.onnx").write_bytes(b"")
    with pytest.raises(CommandError, match=r"rnet\.onnx"):
        packs("verify", "dlib-resnet")


def test_build_leaves_a_whole_pack_alone() -> None:
    assert "already built" in packs("build", "dlib-resnet")


@pytest.mark.slow
def test_build_makes_a_missing_pack(empty: Path) -> None:
    assert "dlib-resnet (not built, in use)" in packs("list")
    packs("build")
    assert "is whole" in packs("verify")


def test_a_failed_build_is_an_error(empty: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="was not built"):
        packs("build", "facenet-vggface2", "--weights", str(tmp_path / "absent.pt"))
    assert "facenet-vggface2 (not built)" in packs("list")


def test_an_unknown_pack_is_refused_with_how_to_build_ones_own() -> None:
    with pytest.raises(CommandError, match="packs build no-such-pack"):
        packs("verify", "no-such-pack")
    with pytest.raises(CommandError, match="packs build arcface-onnx --spec FILE"):
        packs("build", "no-such-pack")


def test_a_pack_of_ones_own_is_listed_and_counts_as_built(empty: Path, pack_folder: Path, settings: object) -> None:
    shutil.copytree(pack_folder, empty / "own")
    shutil.copytree(pack_folder, empty / "own@12345678")
    settings.PACK = "own"
    listed = packs("list")
    assert "own (in use)" in listed
    assert "own@12345678 (kept for models trained with it)" in listed
    assert "already built" in packs("build")

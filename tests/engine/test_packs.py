"""A pack is opened only if every file is what the manifest says."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from recognition.engine.errors import PackError
from recognition.engine.packs import MANIFEST, Manifest, Pack, PackFile, open_pack


@pytest.fixture
def copy(pack_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pack_folder, tmp_path / "dlib-resnet"))


def edit(folder: Path, change: Callable[[dict], object]) -> None:
    path = folder / MANIFEST
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def fault(folder: Path) -> str:
    with pytest.raises(PackError) as caught:
        open_pack(folder)
    message = str(caught.value)
    assert "Run `python manage.py packs build dlib-resnet`." in message
    return message


def test_the_default_pack_describes_itself(pack: Pack) -> None:
    assert pack.id.startswith("dlib-resnet@")
    assert pack.dimension == 128
    assert "CC0" in pack.manifest.licence
    assert Manifest.from_json(pack.manifest.to_json()) == pack.manifest


@pytest.mark.parametrize("name", ["dlib_resnet.onnx", "pnet.onnx"])
def test_a_changed_byte_is_noticed_and_the_file_named(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    assert name in fault(copy)


def test_a_cut_file_is_noticed(copy: Path) -> None:
    (copy / "onet.onnx").write_bytes((copy / "onet.onnx").read_bytes()[:-1])
    assert "onet.onnx" in fault(copy)


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "rnet.onnx").unlink()
    assert "rnet.onnx" in fault(copy)


def test_a_missing_pack_names_the_folder(tmp_path: Path) -> None:
    assert str(tmp_path / "dlib-resnet") in fault(tmp_path / "dlib-resnet")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "7", '{"format": 1}', '{"format": 99}', "\ufffd", '{"format": 1, "files": []}']
)
def test_a_manifest_that_is_none_is_refused(copy: Path, text: str) -> None:
    (copy / MANIFEST).write_text(text)
    assert MANIFEST in fault(copy)


def test_a_detector_that_this_version_does_not_know_is_refused(copy: Path) -> None:
    edit(copy, lambda data: data["detector"].update(kind="retinaface"))
    assert "no detector 'retinaface'" in fault(copy)


def test_a_manifest_that_is_no_text_is_refused(copy: Path) -> None:
    (copy / MANIFEST).write_bytes(b"\xff\xfe\x00")
    assert MANIFEST in fault(copy)


@pytest.mark.parametrize("name", ["../outside.onnx", "/etc/passwd", "..", "a/b.onnx"])
def test_file_names_cannot_leave_the_folder(copy: Path, name: str) -> None:
    (copy.parent / "outside.onnx").write_bytes(b"")
    edit(copy, lambda data: data["files"].update({name: {"sha256": "0" * 64, "size": 0}}))
    assert "outside the pack" in fault(copy)


def test_every_file_used_needs_a_checksum(copy: Path) -> None:
    edit(copy, lambda data: data["files"].pop("dlib_resnet.onnx"))
    assert "dlib_resnet.onnx" in fault(copy)


def test_the_id_changes_with_weights_and_template_but_not_with_the_licence(copy: Path) -> None:
    original = open_pack(copy).id
    edit(copy, lambda data: data.update(licence="other"))
    assert open_pack(copy).id == original
    edit(copy, lambda data: data["embedder"]["template"][0].__setitem__(0, 1.0))
    other_template = open_pack(copy).id
    (copy / "dlib_resnet.onnx").write_bytes(b"other weights")
    sha256, size = PackFile.of(copy / "dlib_resnet.onnx").sha256, len(b"other weights")
    edit(copy, lambda data: data["files"].update({"dlib_resnet.onnx": {"sha256": sha256, "size": size}}))
    assert len({original, other_template, open_pack(copy).id}) == 3

"""A spec says everything about an ArcFace pack, or which entry is wrong."""

from pathlib import Path

import pytest

from recognition.packbuild.spec import Source, read_spec

SPEC = f"""
id = "own"
licence = "research only"
origin = "somebody's network"

[embedder]
weights = "embedder.onnx"
sha256 = "{"0" * 64}"
mean = 127.5
scale = 0.0078125
channels = "BGR"
flip = true

[detector]
kind = "yunet"
weights = "https://example.com/yunet.onnx"
sha256 = "{"1" * 64}"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spec.toml"


def test_files_are_relative_to_the_spec_and_addresses_stay(path: Path) -> None:
    path.write_text(SPEC)
    spec = read_spec(path)
    assert spec.embedder == Source(str(path.parent / "embedder.onnx"), "0" * 64)
    assert spec.detector_source == Source("https://example.com/yunet.onnx", "1" * 64)
    assert (spec.mean, spec.scale, spec.channels, spec.flip) == (127.5, 0.0078125, "BGR", True)


def test_mtcnn_needs_no_weights(path: Path) -> None:
    path.write_text(SPEC.partition("[detector]")[0] + '[detector]\nkind = "mtcnn"')
    assert read_spec(path).detector_source is None


@pytest.mark.parametrize(
    "entry", ["id", "licence", "origin", "weights", "sha256", "mean", "scale", "channels", "flip", "kind"]
)
def test_a_missing_entry_is_named(path: Path, entry: str) -> None:
    path.write_text("\n".join(line for line in SPEC.splitlines() if not line.startswith(f"{entry} ")))
    with pytest.raises(ValueError, match=rf"spec\.toml: .*{entry}"):
        read_spec(path)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('id = "own"', 'id = "dlib-resnet"', "is taken"),
        ('id = "own"', 'id = "arcface-onnx"', "is taken"),
        ('id = "own"', 'id = "../own"', "small letters"),
        ('id = "own"', 'id = "own@12345678"', "small letters"),
        ('id = "own"', "id = 7", "id must be a text"),
        ("flip = true", 'flip = "yes"', r"embedder\.flip must be true or false"),
        ("mean = 127.5", "mean = true", r"embedder\.mean must be a number"),
        ("mean = 127.5", "mean = nan", "finite"),
        ("scale = 0.0078125", "scale = 0", "not 0"),
        ('"BGR"', '"bgr"', r"embedder\.channels must be one of RGB, BGR"),
        ('"yunet"', '"scrfd"', r"detector\.kind must be one of mtcnn, yunet, ultralight"),
        ('kind = "yunet"', "kind = []", r"detector\.kind must be one of"),
        ('kind = "yunet"', 'kind = "mtcnn"', r"no entry detector\."),
        ("flip = true", "flip = true\ntemplate = 1", r"no entry embedder\.template"),
        ("[detector]", "[other]", "no entry other"),
        ("0" * 64, "0" * 63, "sha256sum"),
        ("[embedder]", "[embedder", "spec.toml"),
    ],
)
def test_a_wrong_entry_is_refused_with_what_it_must_be(path: Path, old: str, new: str, reason: str) -> None:
    path.write_text(SPEC.replace(old, new, 1))
    with pytest.raises(ValueError, match=reason):
        read_spec(path)


def test_a_spec_that_is_no_text_is_refused(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"spec\.toml"):
        read_spec(path)

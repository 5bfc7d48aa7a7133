"""A pack of one's own is built whole or not at all, shows its licence first, and keeps what it replaces."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from recognition.engine.errors import PackError
from recognition.engine.faces import Image
from recognition.engine.packs import delete_replaced, find_pack, open_pack, pack_id_in
from recognition.engine.pipeline import Pipeline
from recognition.packbuild import cohorts
from recognition.packbuild.__main__ import main
from tests.engine.networks import network, saved, source, spec, toml

pytestmark = pytest.mark.corpus

Build = Callable[..., int]


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    return tmp_path / "packs"


@pytest.fixture
def build(packs: Path, tmp_path: Path, shared_models: Path) -> Build:
    """Builds the pack `own`; options are those of the command, fields those of the spec."""

    def run(*options: str, accept: bool = True, **fields: object) -> int:
        path = fields.pop("embedder_path", None) or shared_models / "mobilefacenet-arcface-112.onnx"
        described = spec(path, shared_models / "yunet-n-dynamic.onnx", mean=0, scale=1, **fields)
        (tmp_path / "own.toml").write_text(toml(described))
        accepted = ["--accept-licence"] if accept else []
        return main(["arcface-onnx", str(packs), "--spec", str(tmp_path / "own.toml"), *accepted, *options])

    return run


def test_a_pack_recognises_with_its_own_detector(build: Build, packs: Path, astronaut: Image, hopper: Image) -> None:
    assert build() == 0
    pack = open_pack(packs / "own")
    assert (pack.id.partition("@")[0], pack.dimension, pack.manifest.detector.kind) == ("own", 128, "yunet")
    pipeline = Pipeline(pack)
    (one,), (again,), (other,) = pipeline.analyse([astronaut, cv2.resize(astronaut, (300, 300)), hopper])
    assert one.vector @ again.vector > 0.9
    assert one.vector @ other.vector < 0.3


def test_the_licence_is_shown_and_must_be_accepted(
    build: Build, packs: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert build(accept=False, licence="for research only") == 1
    shown = capsys.readouterr()
    assert "for research only" in shown.out
    assert "--accept-licence" in shown.err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    for answer, outcome in (("no", 1), ("yes", 0)):
        monkeypatch.setattr("builtins.input", lambda _, answer=answer: answer)
        assert build(accept=False) == outcome
    assert (packs / "own").is_dir()


def test_a_network_that_tells_nobody_apart_is_refused(
    build: Build, packs: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    blind = network()
    blind.graph.initializer[0].raw_data = bytes(len(blind.graph.initializer[0].raw_data))
    assert build(embedder_path=saved(blind, tmp_path / "blind.onnx")) == 1
    assert "does not tell two people apart" in capsys.readouterr().err
    assert list(packs.iterdir()) == []


def test_a_file_that_is_no_detector_is_refused(
    build: Build, packs: Path, shared_models: Path, capsys: pytest.CaptureFixture
) -> None:
    for file in ("mobilefacenet-arcface-112", "ultralight-rfb-320"):
        assert build(detector_source=source(shared_models / f"{file}.onnx")) == 1
        assert "the detector" in capsys.readouterr().err
    assert list(packs.iterdir()) == []


def test_a_pack_that_makes_other_vectors_leaves_the_former_under_its_id(build: Build, packs: Path) -> None:
    build()
    former = pack_id_in(packs / "own")
    build(flip=True)
    new = pack_id_in(packs / "own")
    assert sorted(path.name for path in packs.iterdir()) == sorted(["own", former])
    assert (find_pack(packs, former).folder, find_pack(packs, new).folder) == (packs / former, packs / "own")
    build(flip=True)
    assert sorted(path.name for path in packs.iterdir()) == sorted(["own", former])
    delete_replaced(packs, keep={former})
    assert find_pack(packs, former)
    delete_replaced(packs, keep=set())
    with pytest.raises(PackError, match="packs build own"):
        find_pack(packs, former)
    assert find_pack(packs, new)


def test_a_damaged_pack_is_replaced_without_being_kept(build: Build, packs: Path) -> None:
    build()
    (packs / "own" / "yunet.onnx").write_bytes(b"")
    build(flip=True)
    assert [path.name for path in packs.iterdir()] == ["own"]


@pytest.fixture
def strangers(corpus: Path, tmp_path: Path) -> Path:
    """32 people: a folder for each, one as a bare photo, and one whom no photo shows."""
    folder = tmp_path / "strangers"
    for person in sorted((corpus / "lfw_dev" / "strangers").iterdir())[:32]:
        shutil.copytree(person, folder / person.name)
    alone = next(folder.rglob("*.jpg"))
    shutil.move(alone, folder / alone.name)
    (folder / "nobody").mkdir()
    (folder / "nobody" / "broken.jpg").write_bytes(b"no image")
    return folder


def test_a_cohort_is_a_unit_vector_for_each_stranger_and_leaves_the_id_alone(
    build: Build, packs: Path, strangers: Path, capsys: pytest.CaptureFixture
) -> None:
    build()
    without = open_pack(packs / "own")
    assert without.cohort().shape == (0, 128)
    assert build("--cohort", str(strangers)) == 0
    pack = open_pack(packs / "own")
    vectors = pack.cohort()
    assert (pack.id, vectors.shape, vectors.dtype) == (without.id, (32, 128), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.sort(vectors @ vectors.T)[:, -2].max() < 0.7
    shown = capsys.readouterr()
    assert "of 34 strangers, 32 of them with a face" in shown.out
    assert "broken.jpg is left out" in shown.err


def test_too_few_strangers_are_refused(
    build: Build, packs: Path, strangers: Path, capsys: pytest.CaptureFixture
) -> None:
    for person in sorted(path for path in strangers.iterdir() if path.is_dir())[:10]:
        shutil.rmtree(person)
    assert build("--cohort", str(strangers)) == 1
    assert f"needs {cohorts.FEWEST} or more" in capsys.readouterr().err
    assert list(packs.iterdir()) == []


def test_a_changed_cohort_is_noticed(build: Build, packs: Path, strangers: Path) -> None:
    build("--cohort", str(strangers))
    (packs / "own" / cohorts.FILE).write_bytes(b"")
    with pytest.raises(PackError, match=r"cohort\.npy is damaged"):
        open_pack(packs / "own")

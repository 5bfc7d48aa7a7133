"""Packs are built whole, and only from weights that fit."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from detectors import open_session
from recognition.engine.packs import open_pack
from recognition.packbuild import dlib_resnet, facenet_vggface2
from recognition.packbuild.__main__ import main
from recognition.packbuild.catalogue import RECIPES
from recognition.packbuild.facenet import facenet_pytorch


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return facenet_pytorch.InceptionResnetV1().eval()


@pytest.fixture(scope="module")
def weights(network: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as the library publishes it: with the classifier of the training identities."""
    path = tmp_path_factory.mktemp("weights") / "weights.pt"
    torch.save(network.state_dict() | {"logits.weight": torch.zeros(3, 512), "logits.bias": torch.zeros(3)}, path)
    return path


@pytest.mark.slow
def test_facenet_from_a_weights_file_gives_what_pytorch_gives(
    network: torch.nn.Module, weights: Path, tmp_path: Path
) -> None:
    facenet_vggface2.build(tmp_path, weights)
    images = np.random.default_rng(0).uniform(-1, 1, (3, 3, 160, 160)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(images)).numpy()
    (vectors,) = open_session(tmp_path / facenet_vggface2.FILE).run(None, {"image": images})
    assert np.abs(vectors - expected).max() < 1e-4


def test_a_file_that_holds_other_weights_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save({"layer": torch.zeros(3)}, path)
    with pytest.raises(ValueError, match=r"other\.pt holds no weights"):
        facenet_vggface2.build(tmp_path, path)


class Payload:
    """Runs code when an ordinary unpickler reads it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('code ran')",)


def test_a_weights_file_cannot_run_code(tmp_path: Path) -> None:
    torch.save({"state": Payload()}, tmp_path / "evil.pt")
    with pytest.raises(ValueError, match="holds no weights"):
        facenet_vggface2.build(tmp_path, tmp_path / "evil.pt")


def test_a_download_that_fails_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match="add --weights PATH"):
        facenet_vggface2.build(tmp_path, None)


@pytest.mark.parametrize("change", ["cut", "other"])
def test_dlib_weights_that_do_not_fit_are_refused(tmp_path: Path, change: str) -> None:
    content = dlib_resnet.find_weights().read_bytes()
    path = tmp_path / "weights.dat"
    path.write_bytes(content[: len(content) // 2] if change == "cut" else b"\x01\x05con_4\x01\x02" + bytes(50))
    with pytest.raises(ValueError, match=r"weights file|tensor"):
        dlib_resnet.build(tmp_path, path)


@pytest.mark.slow
def test_a_damaged_pack_is_replaced_and_a_failed_build_leaves_nothing(pack_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(pack_folder, tmp_path / "dlib-resnet"))
    (folder / "pnet.onnx").write_bytes(b"damaged")
    assert not RECIPES["dlib-resnet"].is_built(folder)
    assert main(["dlib-resnet", str(tmp_path)]) == 0
    assert RECIPES["dlib-resnet"].is_built(folder)
    assert open_pack(folder).id == open_pack(pack_folder).id
    assert main(["dlib-resnet", str(tmp_path), "--weights", str(tmp_path / "absent")]) == 1
    assert RECIPES["dlib-resnet"].is_built(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["dlib-resnet"]

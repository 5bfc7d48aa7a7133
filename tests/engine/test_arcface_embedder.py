"""A network from elsewhere becomes a pack's embedder only if it is what such a pack needs."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from recognition.engine.embedder import OnnxEmbedder
from recognition.engine.packs import DetectorSpec, EmbedderSpec, Impostors, Manifest, Pack
from recognition.packbuild import arcface
from recognition.packbuild.onnxfile import MAX_BYTES
from recognition.packbuild.spec import Source
from tests.engine.networks import (
    DIMENSION,
    NCHW,
    NHWC,
    Change,
    changed,
    network,
    saved,
    spec,
    with_weights_elsewhere,
)

CUT = network().SerializeToString()[:-99]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pack").mkdir()
    return tmp_path / "pack"


def fault(path: Path, folder: Path, **fields: object) -> str:
    with pytest.raises(ValueError, match=path.name) as caught:
        arcface.build_embedder(spec(path, **fields), folder)
    return str(caught.value)


def embedded(embedder: EmbedderSpec, folder: Path, chips: np.ndarray) -> np.ndarray:
    manifest = Manifest("own", "1", "", "", DetectorSpec("mtcnn", ()), embedder, Impostors(0, 0, 1), {})
    return OnnxEmbedder(Pack("own@0", folder, manifest)).embed(chips)


@pytest.mark.parametrize("shape", [NCHW, NHWC, (1, *NCHW[1:]), (1, *NHWC[1:]), (-1, *NCHW[1:])])
def test_every_layout_gives_the_same_vectors(folder: Path, shape: tuple) -> None:
    chips = np.random.default_rng(1).integers(0, 256, (6, 112, 112, 3), dtype=np.uint8)
    made = arcface.build_embedder(spec(saved(network(shape), folder / "one.onnx"), flip=True), folder)
    usual = arcface.build_embedder(spec(saved(network(), folder / "other.onnx"), flip=True), folder.parent)
    assert made == usual
    np.testing.assert_allclose(embedded(made, folder, chips), embedded(usual, folder.parent, chips), atol=1e-5)


def test_the_dimension_is_the_networks_and_the_template_arcfaces(folder: Path) -> None:
    made = arcface.build_embedder(spec(saved(network(), folder.parent / "good.onnx")), folder)
    assert (made.dimension, made.input_size, made.mean, made.channels) == (DIMENSION, 112, (127.5,) * 3, "RGB")
    assert made.template[0] == (38.2946, 51.6963)


@pytest.mark.parametrize(
    "shape", [("n", 3, 96, 96), ("n", 1, 112, 112), ("n", 3, 112, "w"), (4, 3, 112, 112), (3, 112, 112), ()]
)
def test_another_input_shape_is_refused_and_shown(folder: Path, shape: tuple) -> None:
    path = saved(changed(lambda model: reshape(model, shape)), folder.parent / "odd.onnx")
    assert "must be (N, 3, 112, 112)" in fault(path, folder)


def reshape(model: object, shape: tuple) -> None:
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("face", TensorProto.FLOAT, shape))


def second_input(model: object) -> None:
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1]))


def foreign_operator(model: object) -> None:
    model.graph.node[-1].domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))


def foreign_operator_within(model: object) -> None:
    """Inside the branch of a condition."""
    inner = helper.make_graph([helper.make_node("Run", [], ["x"], domain="com.example")], "inner", [], [])
    model.graph.node.append(helper.make_node("If", ["vector"], ["never"], then_branch=inner, else_branch=inner))


def local_function(model: object) -> None:
    identity = helper.make_node("Identity", ["x"], ["y"])
    model.functions.append(helper.make_function("own", "F", ["x"], ["y"], [identity], [helper.make_opsetid("", 13)]))


def unknown_operator(model: object) -> None:
    model.graph.node[-1].op_type = "Nonsense"


def dangling(model: object) -> None:
    model.graph.node[0].input[0] = "nothing"


def two_outputs(model: object) -> None:
    model.graph.output.append(helper.make_tensor_value_info("mixed", TensorProto.FLOAT, ["n", DIMENSION]))


def whole_map(model: object) -> None:
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("cells", TensorProto.FLOAT, ["n", 3, 7, 7]))


def same_for_the_batch(model: object) -> None:
    """What it says about a face depends on the others."""
    model.graph.node[-1].CopyFrom(helper.make_node("Softmax", ["mixed"], ["vector"], axis=0))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (with_weights_elsewhere, "external data"),
        (second_input, "one input"),
        (foreign_operator, "outside the ONNX standard"),
        (foreign_operator_within, "outside the ONNX standard"),
        (local_function, "outside the ONNX standard"),
        (unknown_operator, "no valid ONNX file"),
        (dangling, "no valid ONNX file"),
        (two_outputs, "not a vector for each"),
        (whole_map, "not a vector for each"),
        (same_for_the_batch, "another vector in a batch"),
    ],
)
def test_a_network_that_is_something_else_is_refused_with_the_reason(folder: Path, change: Change, reason: str) -> None:
    assert reason in fault(saved(changed(change), folder.parent / "bad.onnx"), folder)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.UINT8])
def test_other_numbers_than_float32_are_refused(folder: Path, kind: int) -> None:
    assert "32-bit" in fault(saved(network(kind=kind), folder.parent / "bad.onnx"), folder)


@pytest.mark.parametrize("opset", [1, 99])
def test_operator_sets_from_before_or_after_are_refused(folder: Path, opset: int) -> None:
    assert "operator set" in fault(saved(network(opset=opset), folder.parent / "bad.onnx"), folder)


@pytest.mark.parametrize("last", ["Log", "Exp"])
def test_vectors_that_are_no_numbers_are_refused(folder: Path, last: str) -> None:
    assert "no numbers" in fault(saved(network(last=last), folder.parent / "bad.onnx"), folder, scale=1000.0)


@pytest.mark.parametrize(
    "content", [b"", b"no network", b"\x89PNG\r\n" + bytes(99), network().SerializeToString()[:-99]]
)
def test_a_file_that_is_no_onnx_is_refused(folder: Path, content: bytes) -> None:
    path = folder.parent / "bad.onnx"
    path.write_bytes(content)
    assert "ONNX file" in fault(path, folder)


def test_an_absurdly_large_file_is_not_even_read(folder: Path) -> None:
    path = folder.parent / "huge.onnx"
    with path.open("wb") as sparse:
        sparse.truncate(MAX_BYTES + 1)
    with pytest.raises(ValueError, match="1024 MiB"):
        arcface.build_embedder(spec(saved(network(), folder / "x"), embedder=Source(str(path), "0" * 64)), folder)


def test_another_file_than_the_checksum_means_is_refused_with_both(folder: Path) -> None:
    path = saved(network(), folder.parent / "other.onnx")
    assert f"not {'0' * 64}" in fault(path, folder, embedder=Source(str(path), "0" * 64))

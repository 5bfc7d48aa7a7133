"""Small networks laid out like face embedders, and the specs of packs with them."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper

from recognition.packbuild.spec import Source, Spec

DIMENSION = 64
NCHW, NHWC = ("n", 3, 112, 112), ("n", 112, 112, 3)


def network(
    shape: Sequence[int | str] = NCHW,
    *,
    kind: int = TensorProto.FLOAT,
    opset: int = 13,
    last: str = "Flatten",
) -> ModelProto:
    """Averages cells of 16 × 16 pixels and mixes them. `last`: the operator after the mixing."""
    side = 112 // 16
    mixing = np.random.default_rng(0).standard_normal((3 * side * side, DIMENSION)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["planes"], ["cells"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Flatten", ["cells"], ["flat"]),
        helper.make_node("MatMul", ["flat", "mixing"], ["mixed"]),
        helper.make_node(last, ["mixed"], ["vector"]),
    ]
    order = [0, 3, 1, 2] if shape[-1] == 3 else [0, 1, 2, 3]
    nodes.insert(0, helper.make_node("Transpose", ["face"], ["planes"], perm=order))
    graph = helper.make_graph(
        nodes,
        "embedder",
        [helper.make_tensor_value_info("face", kind, shape)],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", DIMENSION])],
        [numpy_helper.from_array(mixing, "mixing")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def saved(model: ModelProto, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def source(path: Path) -> Source:
    return Source(str(path), hashlib.sha256(path.read_bytes()).hexdigest())


def spec(path: Path, detector: Path | None = None, **fields: object) -> Spec:
    values = {
        "id": "own",
        "licence": "none",
        "origin": "a test",
        "mean": 127.5,
        "scale": 1 / 127.5,
        "channels": "RGB",
        "flip": False,
        "detector": "yunet" if detector else "mtcnn",
        "detector_source": source(detector) if detector else None,
    }
    return Spec(**values | {"embedder": source(path)} | fields)


def toml(of: Spec) -> str:
    """The spec as an operator writes it."""
    lines = [f'id = "{of.id}"', f'licence = "{of.licence}"', f'origin = "{of.origin}"', "[embedder]"]
    lines += [f'weights = "{of.embedder.weights}"', f'sha256 = "{of.embedder.sha256}"', f"mean = {of.mean}"]
    lines += [f"scale = {of.scale}", f'channels = "{of.channels}"', f"flip = {str(of.flip).lower()}"]
    lines += ["[detector]", f'kind = "{of.detector}"']
    if of.detector_source:
        lines += [f'weights = "{of.detector_source.weights}"', f'sha256 = "{of.detector_source.sha256}"']
    return "\n".join(lines)


Change = Callable[[ModelProto], object]


def changed(change: Change) -> ModelProto:
    model = network()
    change(model)
    return model


def with_weights_elsewhere(model: ModelProto) -> None:
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "/etc/passwd")
    model.graph.initializer[0].ClearField("raw_data")

"""The face recognition ResNet of dlib as ONNX, from the weights file inside the package face_recognition_models.

Architecture: dnn_face_recognition_ex.cpp of dlib (Davis King). 29 convolutions, each followed by an affine layer,
which is folded into it here.
"""

import importlib.util
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from recognition.packbuild.catalogue import RECIPES
from recognition.packbuild.dlib_weights import layer_parameters
from recognition.packbuild.quantisation import activations, quantise

FILE, INT8_FILE = "dlib_resnet.onnx", "dlib_resnet_int8.onnx"
_SPEC = RECIPES["dlib-resnet"].embedder
_WEIGHTS = "models/dlib_face_recognition_resnet_model_v1.dat"
# Filters of each residual block, from input to output, and whether the block halves its input.
_BLOCKS = (
    *[(32, False)] * 3,
    *[(64, True), *[(64, False)] * 3],
    *[(128, True), *[(128, False)] * 2],
    *[(256, True), *[(256, False)] * 2],
    (256, True),
)
# Magnitude that each activation stays below in 99 of 100 faces. `python -m bench.activations` measures them; other
# photos give some 10 % more or less.
RANGES = """
8.36 8.36 8.6 9.74 9.53 6.5 9.84 13.0 7.19 11.6 19.1 7.88 8.45 13.3 12.6 6.03 8.23 14.6 5.48 8.63 18.9 5.91 7.2 19.1
6.05 7.28 10.5 9.56 4.23 5.06 9.76 5.21 5.84 9.7 5.95 12.3 12.3 4.73 13.2 4.32 6.52 11.7 3.31 3.04 10.7 6.84 3.39 3.39
4.55 5.14
"""


def find_weights() -> Path:
    """The weights file of the installed package, found without importing it: its import needs setuptools."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("The package face_recognition_models is not installed: pip install -r requirements.txt")
    return Path(spec.origin).parent / _WEIGHTS


def build(folder: Path, weights: Path | None = None) -> None:
    """Writes FILE into `folder`, from the installed weights or those in the file `weights`.

    Raises FileNotFoundError or ValueError when there are none or they belong to another network.
    """
    onnx.save(network(weights), folder / FILE)


def build_int8(folder: Path, weights: Path | None = None) -> None:
    """Writes INT8_FILE into `folder`; the rest as `build`."""
    model = network(weights)
    ranges = dict(zip(activations(model), map(float, RANGES.split()), strict=True))
    onnx.save(quantise(model, ranges), folder / INT8_FILE)


def network(weights: Path | None = None) -> onnx.ModelProto:
    """The network in fp32, which takes pixels as they lie in memory. Raises as `build` does."""
    return _Graph((weights or find_weights()).read_bytes()).model()


class _Graph:
    """Builds the network from input to output, taking each layer's parameters as it comes to it."""

    def __init__(self, weights: bytes) -> None:
        self._parameters = layer_parameters(weights)
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: list[onnx.TensorProto] = []

    def model(self) -> onnx.ModelProto:
        pixels = self._add("Transpose", [self._add("Cast", ["image"], to=TensorProto.FLOAT)], perm=[0, 3, 1, 2])
        x = self._relu(self._convolution(pixels, 3, 32, size=7, stride=2))
        x = self._add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])
        channels, side = 32, 35
        for filters, halves in _BLOCKS:
            x, side = self._block(x, channels, filters, side, halves=halves)
            channels = filters
        x = self._add("Flatten", [self._add("GlobalAveragePool", [x])])
        matrix = self._take("fc", 256 * 128).reshape(256, 128)
        self._nodes.append(helper.make_node("MatMul", [x, self._tensor(matrix)], ["embedding"]))
        if next(self._parameters, None) is not None:
            raise ValueError("The weights file holds more layers than this network")
        graph = helper.make_graph(
            self._nodes,
            "dlib_face_recognition_resnet_v1",
            [helper.make_tensor_value_info("image", TensorProto.UINT8, ["count", 150, 150, 3])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["count", 128])],
            self._tensors,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model

    def _block(self, x: str, channels: int, filters: int, side: int, *, halves: bool) -> tuple[str, int]:
        """A residual block. dlib adds tensors of unlike shapes as if what is missing were zero."""
        inner = self._relu(self._convolution(x, channels, filters, size=3, stride=2 if halves else 1))
        inner = self._convolution(inner, filters, filters, size=3, stride=1)
        if not halves:
            return self._relu(self._add("Add", [inner, x])), side
        inner_side, skip_side = (side - 3) // 2 + 1, side // 2
        if inner_side < skip_side:
            inner = self._add("Pad", [inner, self._tensor(np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int64))])
        return self._relu(self._add("Add", [inner, self._halved(x, channels, filters)])), skip_side

    def _halved(self, x: str, channels: int, filters: int) -> str:
        """Means of 2x2 pixels, and zeros in new channels: a convolution, since padding would break the fast layout."""
        kernels = np.zeros((filters, channels, 2, 2), np.float32)
        kernels[range(channels), range(channels)] = 0.25
        return self._add("Conv", [x, self._tensor(kernels)], kernel_shape=[2, 2], strides=[2, 2])

    def _convolution(self, x: str, channels: int, filters: int, *, size: int, stride: int) -> str:
        count = filters * channels * size * size
        parameters, affine = self._take("con", count + filters), self._take("affine", 2 * filters)
        gamma, beta = affine[:filters], affine[filters:]
        kernels = parameters[:count].reshape(filters, channels, size, size) * gamma[:, None, None, None]
        bias = parameters[count:] * gamma + beta
        if channels == len(_SPEC.mean):
            kernels *= np.float32(_SPEC.scale)
            bias -= kernels.sum(axis=(2, 3)) @ np.array(_SPEC.mean, np.float32)
        return self._add(
            "Conv",
            [x, self._tensor(kernels), self._tensor(bias)],
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[0 if stride > 1 else size // 2] * 4,
        )

    def _relu(self, x: str) -> str:
        return self._add("Relu", [x])

    def _add(self, kind: str, inputs: list[str], **attributes: object) -> str:
        output = f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _tensor(self, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        name = f"tensor_{len(self._tensors)}"
        self._tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _take(self, kind: str, count: int) -> NDArray[np.float32]:
        found, values = next(self._parameters, ("end", np.zeros(0, np.float32)))
        if (found, values.size) != (kind, count):
            raise ValueError(f"The weights file has {found} ({values.size} values) where {kind} ({count}) belongs")
        return values

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

from recognition.packbuild.dlib_weights import layer_parameters

FILE = "dlib_resnet.onnx"
_WEIGHTS = "models/dlib_face_recognition_resnet_model_v1.dat"
# Filters of each residual block, from input to output, and whether the block halves its input.
_BLOCKS = (
    *[(32, False)] * 3,
    *[(64, True), *[(64, False)] * 3],
    *[(128, True), *[(128, False)] * 2],
    *[(256, True), *[(256, False)] * 2],
    (256, True),
)


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
    onnx.save(_Graph((weights or find_weights()).read_bytes()).model(), folder / FILE)


class _Graph:
    """Builds the network from input to output, taking each layer's parameters as it comes to it."""

    def __init__(self, weights: bytes) -> None:
        self._parameters = layer_parameters(weights)
        self._nodes: list[onnx.NodeProto] = []
        self._tensors: list[onnx.TensorProto] = []

    def model(self) -> onnx.ModelProto:
        x = self._relu(self._convolution("image", 3, 32, size=7, stride=2))
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
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["count", 3, 150, 150])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["count", 128])],
            self._tensors,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model

    def _block(self, x: str, channels: int, filters: int, side: int, *, halves: bool) -> tuple[str, int]:
        """A residual block. dlib adds tensors of unlike shapes as if what is missing were zero: hence the padding."""
        inner = self._relu(self._convolution(x, channels, filters, size=3, stride=2 if halves else 1))
        inner = self._convolution(inner, filters, filters, size=3, stride=1)
        if not halves:
            return self._relu(self._add("Add", [inner, x])), side
        inner_side, skip_side = (side - 3) // 2 + 1, side // 2
        skip = self._add("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
        skip = self._pad(skip, channels=filters - channels, side=max(0, inner_side - skip_side))
        inner = self._pad(inner, channels=0, side=max(0, skip_side - inner_side))
        return self._relu(self._add("Add", [inner, skip])), max(inner_side, skip_side)

    def _convolution(self, x: str, channels: int, filters: int, *, size: int, stride: int) -> str:
        count = filters * channels * size * size
        parameters, affine = self._take("con", count + filters), self._take("affine", 2 * filters)
        gamma, beta = affine[:filters], affine[filters:]
        kernels = parameters[:count].reshape(filters, channels, size, size) * gamma[:, None, None, None]
        bias = parameters[count:] * gamma + beta
        return self._add(
            "Conv",
            [x, self._tensor(kernels), self._tensor(bias)],
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[0 if stride > 1 else size // 2] * 4,
        )

    def _relu(self, x: str) -> str:
        return self._add("Relu", [x])

    def _pad(self, x: str, *, channels: int, side: int) -> str:
        if not (channels or side):
            return x
        return self._add("Pad", [x, self._tensor(np.array([0, 0, 0, 0, 0, channels, side, side], np.int64))])

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

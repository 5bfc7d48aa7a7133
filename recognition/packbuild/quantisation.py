"""Networks in whole numbers of 8 bits: four times the arithmetic per instruction, a quarter of the memory."""

from collections.abc import Mapping

import numpy as np
import onnx
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

_LAYERS = ["Conv", "Relu", "Add", "MaxPool"]  # the rest takes no time and would only lose accuracy


def activations(model: onnx.ModelProto) -> list[str]:
    """Those whose ranges `quantise` needs: outputs of layers, each with the ReLU behind it if there is one."""
    rectified = {node.input[0] for node in model.graph.node if node.op_type == "Relu"}
    outputs = (node.output[0] for node in model.graph.node if node.op_type in {*_LAYERS, "Pad"})
    return [name for name in outputs if name not in rectified]


def quantise(model: onnx.ModelProto, ranges: Mapping[str, float]) -> onnx.ModelProto:
    """The network with weights per channel and activations in 8 bits.

    model: takes bytes (N, H, W, 3), and begins with Cast and Transpose. ranges: the magnitude of each of its
    `activations`. They are given rather than measured here, so that the result is the same on every machine. Weights
    get 7 bits, since processors without VNNI add up two products in 16.
    """
    quantiser = QDQQuantizer(
        model,
        per_channel=True,
        reduce_range=True,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=_limits(model, ranges),
        nodes_to_quantize=[],
        nodes_to_exclude=[],
        op_types_to_quantize=_LAYERS,
        extra_options={"WeightSymmetric": True},
    )
    quantiser.quantize_model()
    quantised = quantiser.model
    quantised.topological_sort()
    _keep_bytes(quantised.model.graph)
    onnx.checker.check_model(quantised.model, full_check=True)
    return quantised.model


def _limits(model: onnx.ModelProto, ranges: Mapping[str, float]) -> TensorsData:
    positive = {node.output[0] for node in model.graph.node if node.op_type in {"Relu", "MaxPool"}}
    limits = {name: (0.0 if name in positive else -high, high) for name, high in ranges.items()}
    limits |= {node.input[0]: limits[node.output[0]] for node in model.graph.node if node.op_type == "Relu"}
    limits[model.graph.node[1].output[0]] = (0.0, 255.0)
    data = {name: TensorData(lowest=np.float32(low), highest=np.float32(high)) for name, (low, high) in limits.items()}
    return TensorsData(CalibrationMethod.MinMax, data)


def _keep_bytes(graph: onnx.GraphProto) -> None:
    """Leaves out that the image becomes floats and these bytes again."""
    cast, transpose = (next(node for node in graph.node if node.op_type == kind) for kind in ("Cast", "Transpose"))
    quantise_again = next(node for node in graph.node if transpose.output[0] in node.input)
    transpose.input[0] = cast.input[0]
    transpose.output[0] = quantise_again.output[0]
    graph.node.remove(quantise_again)
    graph.node.remove(cast)

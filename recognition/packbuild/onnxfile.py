"""Looks at an ONNX file from elsewhere before anything runs it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, GraphProto, TensorProto

MAX_BYTES = 1 << 30
_OPSETS = range(7, onnx.defs.onnx_opset_version() + 1)
_STANDARD = ("", "ai.onnx")

Shape = tuple[int | None, ...]


def input_shape(path: Path) -> Shape:
    """The shape of the network's input, None for a side that varies, once the file has passed: it holds everything it
    needs, uses standard operators only, and has one input of float32.

    Raises ValueError, which says what is wrong, or OSError.
    """
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise ValueError("it is no ONNX file") from error
    # Before the checker, which would go and look for such files.
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in _tensors(model.graph)):
        raise ValueError("its weights are in another file (external data). Save it as one file")
    domains = {node.domain for node in _nodes(model.graph)} | {opset.domain for opset in model.opset_import}
    if model.functions or not domains.issubset(_STANDARD):
        raise ValueError("it uses operators outside the ONNX standard. Export it with standard operators only")
    if not all(opset.version in _OPSETS for opset in model.opset_import):
        raise ValueError(f"its operator set is not one of {_OPSETS[0]} to {_OPSETS[-1]}. Export it again")
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ValueError(f"it is no valid ONNX file: {error}") from error
    return _only_input(model.graph)


def _only_input(graph: GraphProto) -> Shape:
    # Old exporters list the weights among the inputs.
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [one.type.tensor_type for one in graph.input if one.name not in weights]
    if len(inputs) != 1 or inputs[0].elem_type != TensorProto.FLOAT:
        raise ValueError("it must have one input, of 32-bit floating-point numbers")
    # Exporters write "varies" as a name, as nothing or as -1.
    return tuple(side.dim_value if side.dim_value > 0 else None for side in inputs[0].shape.dim)


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """The graph and those inside its loops and conditions."""
    yield graph
    for attribute in _attributes(graph):
        for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else ())):
            yield from _graphs(inner)


def _attributes(graph: GraphProto) -> Iterable[AttributeProto]:
    return (attribute for node in graph.node for attribute in node.attribute)


def _nodes(graph: GraphProto) -> Iterable[onnx.NodeProto]:
    return (node for part in _graphs(graph) for node in part.node)


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    for part in _graphs(graph):
        yield from part.initializer
        for sparse in part.sparse_initializer:
            yield from (sparse.values, sparse.indices)
        for attribute in _attributes(part):
            yield from (attribute.t, *attribute.tensors)

"""PyTorch to ONNX."""

import warnings
from pathlib import Path

import torch


def export(network: torch.nn.Module, example: torch.Tensor, path: Path, axes: dict[str, dict[int, str]]) -> None:
    """Writes `network`. `axes`: for the input and then each output, by name, the axes (number: name) that vary."""
    names = list(axes)
    with warnings.catch_warnings():
        # This exporter announces its successor, which needs another package, and warns of every constant it meets.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (example,),
            str(path),
            input_names=names[:1],
            output_names=names[1:],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )

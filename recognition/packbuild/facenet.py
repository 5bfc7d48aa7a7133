"""The networks of facenet-pytorch, imported so that it works beside any torchvision.

The compiled part of the package index's torchvision does not load beside a CPU-only torch. torchvision then fails at
import, since it describes two operators that nobody declared. Building a pack never calls them, so declaring them is
enough.
"""

import importlib
import importlib.util
from pathlib import Path

import torch


def _declare_missing_operators() -> torch.library.Library:
    spec = importlib.util.find_spec("torchvision")
    for library in Path(spec.origin).parent.glob("_C*.so") if spec and spec.origin else ():
        try:
            torch.ops.load_library(str(library))
        except OSError:
            continue
    declarations = torch.library.Library("torchvision", "FRAGMENT")
    if not hasattr(torch.ops.torchvision, "nms"):
        for name in ("nms", "qnms"):
            declarations.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return declarations


# The declarations live as long as this object.
_declarations = _declare_missing_operators()
facenet_pytorch = importlib.import_module("facenet_pytorch")

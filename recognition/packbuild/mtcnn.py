"""MTCNN's three networks, exported from the weights inside the package facenet-pytorch."""

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognition.packbuild.export import export
from recognition.packbuild.facenet import facenet_pytorch

FILES = ("pnet.onnx", "rnet.onnx", "onet.onnx")


class _PRelu(nn.Module):
    """PReLU of (N, C, H, W) as ONNX Runtime computes it fast: its own PRelu takes longer than the convolutions, and
    breaks the blocked layout in which they run. slope * x + (1 - slope) * relu(x), each product a 1x1 convolution.
    """

    def __init__(self, prelu: nn.PReLU) -> None:
        super().__init__()
        self.slope = prelu.weight.detach().reshape(-1, 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        channels = len(self.slope)
        positive = functional.conv2d(torch.relu(x), 1 - self.slope, groups=channels)
        return functional.conv2d(x, self.slope, groups=channels) + positive


class _Stage(nn.Module):
    """Takes images as they lie in memory, (N, H, W, 3) with values 0-255, and puts the face score first.

    Landmarks come out as points (N, 5, 2); the first network's maps as (N, H, W) and (N, H, W, 4).
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        for (_, before), (name, layer) in list(pairwise(network.named_children())):
            if isinstance(before, nn.Conv2d) and isinstance(layer, nn.PReLU):
                setattr(network, name, _PRelu(layer))
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        offsets, *points, probabilities = self.network((image.permute(0, 3, 1, 2) - 127.5) * 0.0078125)
        if offsets.dim() == 4:
            offsets = offsets.permute(0, 2, 3, 1)
        return probabilities[:, 1], offsets, *(each.reshape(-1, 2, 5).permute(0, 2, 1) for each in points)


def build(folder: Path) -> None:
    """Writes FILES into `folder`."""
    pnet, rnet, onet = (_Stage(getattr(facenet_pytorch, name)()) for name in ("PNet", "RNet", "ONet"))
    sides = {0: "count", 1: "height", 2: "width"}
    count = {0: "count"}
    export(pnet, torch.zeros(1, 24, 24, 3), folder / FILES[0], {"image": sides, "scores": sides, "offsets": sides})
    export(rnet, torch.zeros(2, 24, 24, 3), folder / FILES[1], {"image": count, "scores": count, "offsets": count})
    export(
        onet,
        torch.zeros(2, 48, 48, 3),
        folder / FILES[2],
        {"image": count, "scores": count, "offsets": count, "landmarks": count},
    )

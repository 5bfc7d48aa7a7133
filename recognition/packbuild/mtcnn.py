"""MTCNN's three networks, rebuilt from the weights inside the package facenet-pytorch so that they run fast.

ONNX Runtime's blocked convolutions work on 16 channels at a time; whatever else stands between them costs a copy into
another layout. Hence all between the image and the dense layers is convolution, ReLU or pooling of whole blocks.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from recognition.packbuild.export import export
from recognition.packbuild.facenet import facenet_pytorch

FILES = ("pnet.onnx", "rnet.onnx", "onet.onnx")
_BLOCK = 16
_MEAN, _SCALE = 127.5, 0.0078125  # of pixels, as the networks were trained


class _Linear(nn.Module):
    """A convolution, or a dense layer that sees whatever comes as one flat row."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, x: Tensor) -> Tensor:
        if self.weight.dim() == 4:
            return functional.conv2d(x, self.weight, self.bias)
        return functional.linear(x.flatten(1), self.weight, self.bias)


class _PRelu(nn.Module):
    """PReLU of (N, C, H, W) with slopes up to 1, as slope * x + relu((1 - slope) * x), each product a 1x1
    convolution: the runtime joins the rest with them.
    """

    def __init__(self, slope: Tensor) -> None:
        super().__init__()
        self.slope = slope.reshape(-1, 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        channels = len(self.slope)
        bend = torch.relu(functional.conv2d(x, 1 - self.slope, groups=channels))
        return functional.conv2d(x, self.slope, groups=channels) + bend


class _Stage(nn.Module):
    """Takes images as they lie in memory, (N, H, W, 3) with values 0-255. Gives scores (N, ...), offsets (N, 4, ...)
    and, in the third network, landmarks (N, 10, ...): five x, then five y. In the first network these are maps.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        waiting: list[_Linear] = []  # for what follows: an activation, or nothing after the last ones
        mixing = torch.eye(3)
        for layer in network.requires_grad_(requires_grad=False).children():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                waiting.append(_Linear(_arranged(layer.weight, mixing), layer.bias))
            elif isinstance(layer, nn.PReLU):
                activated, mixing = _activated(waiting.pop(), layer)
                layers += activated
            elif isinstance(layer, nn.MaxPool2d):
                layers.append(layer)
        layers[0].weight *= _SCALE
        layers[0].bias -= _MEAN * layers[0].weight.sum(dim=(1, 2, 3))
        self.layers = nn.Sequential(*layers, _heads(*waiting))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        x = self.layers(image.permute(0, 3, 1, 2))
        landmarks = [x[:, 5:]] if x.shape[1] > 5 else []
        return torch.sigmoid(x[:, 0]), x[:, 1:5], *landmarks


def _arranged(weight: Tensor, mixing: Tensor) -> Tensor:
    """The weight for a layer that gets other channels: those it was trained on are `mixing` times them."""
    if weight.dim() == 4:
        return torch.einsum("oihw,ic->ochw", weight, mixing)
    # A dense layer was trained on the transpose of a map: on (W, H, channels).
    side = round((weight.shape[1] / len(mixing)) ** 0.5)
    return torch.einsum("owhi,ic->ochw", weight.reshape(-1, side, side, len(mixing)), mixing).flatten(1)


def _activated(linear: _Linear, prelu: nn.PReLU) -> tuple[list[nn.Module], Tensor]:
    """Both layers, and how to mix their channels into the original ones.

    A convolution's channels are padded with zeros to whole blocks. A steep PReLU becomes two channels, x and relu(x):
    slope * x + (1 - slope) * relu(x). Both rise with x, so that a pooling in between changes nothing.
    """
    slope, count = prelu.weight, len(prelu.weight)
    if linear.weight.dim() == 2:
        return [linear, prelu], torch.eye(count)
    steep = torch.nonzero(slope > 1).flatten()
    source = torch.cat([torch.arange(count), steep])
    spare = -len(source) % _BLOCK
    mixing = functional.pad(torch.eye(count), (0, len(steep) + spare))
    mixing[steep, steep] = slope[steep]
    mixing[steep, count + torch.arange(len(steep))] = 1 - slope[steep]
    slopes = functional.pad(slope.clamp(max=1), (0, len(steep) + spare))
    weight = functional.pad(linear.weight[source], (0, 0, 0, 0, 0, 0, 0, spare))
    return [_Linear(weight, functional.pad(linear.bias[source], (0, spare))), _PRelu(slopes)], mixing


def _heads(face: _Linear, *others: _Linear) -> _Linear:
    """All heads in one layer. The softmax over "no face" and "face" is the sigmoid of their difference."""
    weights = [face.weight[1:] - face.weight[:1], *(head.weight for head in others)]
    biases = [face.bias[1:] - face.bias[:1], *(head.bias for head in others)]
    return _Linear(torch.cat(weights), torch.cat(biases))


def build(folder: Path) -> None:
    """Writes FILES into `folder`."""
    pnet, rnet, onet = (_Stage(getattr(facenet_pytorch, name)()) for name in ("PNet", "RNet", "ONet"))
    sides = {0: "count", 1: "height", 2: "width"}
    maps = {0: "count", 2: "height", 3: "width"}
    count = {0: "count"}
    export(pnet, torch.zeros(1, 24, 24, 3), folder / FILES[0], {"image": sides, "scores": sides, "offsets": maps})
    export(rnet, torch.zeros(2, 24, 24, 3), folder / FILES[1], {"image": count, "scores": count, "offsets": count})
    export(
        onet,
        torch.zeros(2, 48, 48, 3),
        folder / FILES[2],
        {"image": count, "scores": count, "offsets": count, "landmarks": count},
    )

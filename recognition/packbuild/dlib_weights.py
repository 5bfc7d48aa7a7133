"""Reads the tensors of a network that dlib saved.

dlib writes the layers from input to output; each layer is its name followed by one tensor with its parameters (in fully
connected layers, after the counts of outputs and inputs). A tensor is the version number 2, four packed integers
(samples, channels, rows, columns), and float32 values, all little-endian. A packed integer is a byte with the count of
bytes that follow (top bit: negative), then those bytes.
Source: dlib/serialize.h, dlib/cuda/tensor.h and dlib/dnn/layers.h of dlib 19 and 20.
"""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_LAYER = re.compile(rb"\x01(?P<length>.)(?P<name>con_|affine_|fc_)", re.DOTALL)


def layer_parameters(data: bytes) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Kind (`con`, `affine`, `fc`) and flat parameters of each layer that has some, from input to output.

    Raises ValueError if the data are not laid out so.
    """
    position = 0
    while match := _LAYER.search(data, position):
        position = match.start() + 2 + match["length"][0]
        if match["name"] == b"fc_":
            for _ in range(2):
                _, position = _integer(data, position)
        values, position = _tensor(data, position)
        yield match["name"].decode().rstrip("_"), values


def _tensor(data: bytes, position: int) -> tuple[NDArray[np.float32], int]:
    version, position = _integer(data, position)
    count = 1
    for _ in range(4):
        side, position = _integer(data, position)
        count *= side
    if version != 2 or position + 4 * count > len(data):
        raise ValueError(f"no tensor of a known layout at byte {position}")
    return np.frombuffer(data, "<f4", count, position), position + 4 * count


def _integer(data: bytes, position: int) -> tuple[int, int]:
    length = data[position] & 0x0F
    end = position + 1 + length
    value = int.from_bytes(data[position + 1 : end], "little")
    return (-value if data[position] & 0x80 else value), end

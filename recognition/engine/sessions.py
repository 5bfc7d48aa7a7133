"""Runs a network in batches of few fixed sizes, so that memory use settles and stays flat."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors import open_session

BATCH_SIZES = (16, 8, 4, 1)


class BatchSession:
    """A network of images with one input and one output. Thread-safe.

    It is given what its input says: pixels as they lie in memory if that is of bytes, channels last, or one at a time.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._session = open_session(path, threads=threads)
        network_input = self._session.get_inputs()[0]
        self._input = network_input.name
        self._sizes = (1,) if network_input.shape[0] == 1 else BATCH_SIZES
        self.takes_bytes = network_input.type == "tensor(uint8)"
        self._channels_last = network_input.shape[-1] == 3

    def run(self, items: NDArray[np.float32] | NDArray[np.uint8]) -> NDArray[np.float32]:
        """The network's output for one or more images: bytes (N, H, W, 3) if it takes those, else (N, 3, H, W)."""
        if self._channels_last and not self.takes_bytes:
            items = items.transpose(0, 2, 3, 1).copy()
        outputs = []
        start = 0
        for size in self._sizes:
            while len(items) - start >= size:
                outputs += self._session.run(None, {self._input: items[start : start + size]})
                start += size
        return np.concatenate(outputs)

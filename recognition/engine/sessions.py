"""Runs a network in batches of few fixed sizes, so that memory use settles and stays flat."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtcnn import open_session

BATCH_SIZES = (16, 8, 4, 1)


class BatchSession:
    """A network with one input and one output whose first axis counts the items. Thread-safe."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._session = open_session(path, threads=threads)
        self._input = self._session.get_inputs()[0].name

    def run(self, items: NDArray[np.float32]) -> NDArray[np.float32]:
        """The network's output for one or more items."""
        outputs = []
        start = 0
        for size in BATCH_SIZES:
            while len(items) - start >= size:
                outputs += self._session.run(None, {self._input: items[start : start + size]})
                start += size
        return np.concatenate(outputs)

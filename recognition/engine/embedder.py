"""Aligned faces to vectors."""

from typing import Protocol

import numpy as np

from recognition.engine.faces import Image, Vectors
from recognition.engine.packs import Pack
from recognition.engine.sessions import BATCH_SIZES, BatchSession

_CHUNK = max(BATCH_SIZES)  # faces turned into floats at once


class Embedder(Protocol):
    """Must be thread-safe."""

    @property
    def dimension(self) -> int: ...

    def embed(self, chips: Image) -> Vectors:
        """(N, size, size, 3) aligned faces, as the pack's template says, to (N, dimension) vectors of length 1."""


class OnnxEmbedder:
    """The network that a pack's manifest describes."""

    def __init__(self, pack: Pack, *, threads: int = 1) -> None:
        self._spec = pack.manifest.embedder
        self._session = BatchSession(pack.path(self._spec.file), threads=threads)

    @property
    def dimension(self) -> int:
        return self._spec.dimension

    def embed(self, chips: Image) -> Vectors:
        vectors = np.zeros((len(chips), self.dimension), np.float32)
        for start in range(0, len(chips), _CHUNK):
            vectors[start : start + _CHUNK] = self._embed(chips[start : start + _CHUNK])
        return unit(vectors)

    def _embed(self, chips: Image) -> Vectors:
        vectors = self._run(chips)
        if self._spec.flip:
            vectors = vectors + self._run(chips[:, :, ::-1])
        return vectors

    def _run(self, chips: Image) -> Vectors:
        if self._spec.channels == "BGR":
            chips = chips[..., ::-1]
        if self._session.takes_bytes:
            return self._session.run(np.ascontiguousarray(chips))
        # Reordered as bytes, which is less to move than floats.
        planes = np.ascontiguousarray(chips.transpose(0, 3, 1, 2))
        pixels = planes - np.array(self._spec.mean, np.float32)[:, None, None]
        pixels *= np.float32(self._spec.scale)
        return self._session.run(pixels)


def unit(vectors: Vectors) -> Vectors:
    """Each vector scaled to length 1; zero vectors stay zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    directions: Vectors = vectors / np.maximum(lengths, np.float32(1e-12))
    return directions

"""The vectors of the people to be recognised, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recognition.engine.embedder import unit
from recognition.engine.faces import Vectors

_TRIMMED_SHARE = 5  # one photo in five may be an outlier


@dataclass(frozen=True, eq=False)
class Gallery:
    """vectors: (N, D), sorted by owner. owners: (N,) indexes of `labels`, which are sorted and each own a vector."""

    vectors: Vectors
    owners: NDArray[np.intp]
    labels: tuple[str, ...]
    rows: NDArray[np.intp]  # (N,) where each vector stood in what the gallery was made of

    @classmethod
    def of(cls, vectors: Vectors, labels: Sequence[str], dimension: int) -> "Gallery":
        """Raises ValueError for shapes that do not go together, and vectors that are zero or no numbers."""
        if vectors.shape != (len(labels), dimension):
            raise ValueError(f"{len(labels)} labels do not go with vectors of shape {vectors.shape}.")
        refuse_unusable(vectors)
        people = tuple(sorted(set(labels)))
        index = {label: position for position, label in enumerate(people)}
        owners = np.array([index[label] for label in labels], np.intp)
        order = np.argsort(owners, kind="stable")
        return cls(vectors[order], owners[order], people, order)

    @cached_property
    def counts(self) -> NDArray[np.intp]:
        """(L,) vectors of each label."""
        return np.bincount(self.owners, minlength=len(self.labels))

    @cached_property
    def ranks(self) -> NDArray[np.intp]:
        """(N,) how many vectors of the same label come before each."""
        return np.arange(len(self.owners)) - self._starts[self.owners]

    @cached_property
    def totals(self) -> Vectors:
        """(L, D) sums of each label's vectors."""
        return _sums(self.vectors, self._starts)

    def directions(self) -> Vectors:
        """(L, D) mean direction of each label's vectors, without the fifth of them that is farthest from it."""
        if self.counts.max(initial=0) < _TRIMMED_SHARE:
            return unit(self.totals)
        nearness = _products(self.vectors, unit(self.totals)[self.owners])
        by_nearness = np.lexsort((-nearness, self.owners))
        kept = self.counts - self.counts // _TRIMMED_SHARE
        nearest = np.sort(by_nearness[self.ranks < kept[self.owners]])
        return unit(_sums(self.vectors[nearest], np.cumsum(kept) - kept))

    def likeness(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Cosine of these vectors with the mean of their label's other vectors; 0 where there are none."""
        vectors = self.vectors[rows]
        return _products(vectors, unit(self.totals[self.owners[rows]] - vectors))

    def sample(self, limit: int) -> NDArray[np.intp]:
        """At most `limit` rows, drawn so that nobody has two of them before everybody has one."""
        if limit >= len(self.owners):
            return np.arange(len(self.owners))
        return np.lexsort((np.random.default_rng(0).random(len(self.owners)), self.ranks))[:limit]

    @cached_property
    def _starts(self) -> NDArray[np.intp]:
        return np.cumsum(self.counts) - self.counts


def refuse_unusable(vectors: Vectors) -> None:
    """Raises ValueError if any of the vectors (N, D) is zero or holds values that are no numbers."""
    lengths = np.linalg.norm(vectors, axis=1)
    unusable = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
    if unusable.size:
        raise ValueError(
            f"{unusable.size} vectors are zero or hold values that are no numbers, the first is number {unusable[0]}: "
            "embed their photos again."
        )


def _sums(vectors: Vectors, starts: NDArray[np.intp]) -> Vectors:
    sums: Vectors = np.add.reduceat(vectors, starts, axis=0)
    return sums


def _products(first: Vectors, second: Vectors) -> NDArray[np.float32]:
    products: NDArray[np.float32] = np.einsum("ij,ij->i", first, second)
    return products

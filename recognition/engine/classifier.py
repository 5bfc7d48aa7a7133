"""Vectors to identities, with an explicit "unknown"."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recognition.engine.calibration import Calibration
from recognition.engine.faces import Identity, Vectors

_SIMILARITIES = 4_000_000  # computed at once: 16 MB
_NOBODY = Identity(label=None, probability=0.0, score=0.0, nearest=None)


class Classifier(Protocol):
    """Must be thread-safe. `labels`: everyone it can name. `threshold`: the score from which it names a single crop.

    `expected_miss_rate`: share of crops of enrolled people that it will not name; None where there was nothing to tell
    it from.
    """

    @property
    def kind(self) -> str: ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def threshold(self) -> float: ...

    @property
    def expected_miss_rate(self) -> float | None: ...

    def identify(self, vectors: Vectors, counts: NDArray[np.intp] | None = None) -> list[Identity]:
        """One identity per vector (N, D); nobody for vectors that are zero or no numbers.

        `counts` (N,): of how many crops of one track each vector is the mean direction; without, each is of one crop.
        All crops of a track belong in that mean, also those that resemble nobody: then one lucky crop among many
        unknown ones names nobody.
        """


@dataclass(frozen=True, slots=True, eq=False)
class LinearClassifier:
    """Compares a vector with one direction per label, and names the best if it stands out from the second best.

    A label's similarity is `vector · weights + bias`. The score is the best similarity less `runner_up_share` of the
    second best: a face that resembles several people resembles none. `runner_up_floor` stands for a second best that is
    missing or lower, so that scores mean the same in small galleries as in large ones.
    """

    kind: str
    labels: tuple[str, ...]
    weights: NDArray[np.float32]  # (L, D)
    bias: NDArray[np.float32]  # (L,)
    runner_up_share: float
    runner_up_floor: float
    calibration: Calibration

    @property
    def threshold(self) -> float:
        return self.calibration.threshold

    @property
    def expected_miss_rate(self) -> float | None:
        return self.calibration.expected_miss_rate

    def identify(self, vectors: Vectors, counts: NDArray[np.intp] | None = None) -> list[Identity]:
        if not self.labels:
            return [_NOBODY] * len(vectors)
        counts = np.ones(len(vectors), np.intp) if counts is None else counts
        lengths = np.linalg.norm(vectors, axis=1)
        usable = np.isfinite(lengths) & (lengths > 0)
        best, scores = self.score(np.where(usable[:, None], vectors, np.float32(0)))
        named = scores >= self.calibration.thresholds(counts)
        probabilities = self.calibration.probabilities(scores, counts)
        return [
            Identity(self.labels[index] if name else None, likely, score, nearest=self.labels[index])
            if known
            else _NOBODY
            for index, name, likely, score, known in zip(
                *(each.tolist() for each in (best, named, probabilities, scores, usable)), strict=True
            )
        ]

    def score(self, vectors: Vectors) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Index of the best label, and score, of each vector."""
        best = np.zeros(len(vectors), np.intp)
        scores = np.zeros(len(vectors))
        rows = max(1, _SIMILARITIES // len(self.labels))
        for start in range(0, len(vectors), rows):
            chunk = slice(start, start + rows)
            best[chunk], scores[chunk] = self.stand_out(self.similarities(vectors[chunk]))
        return best, scores

    def similarities(self, vectors: Vectors) -> NDArray[np.float32]:
        """(N, L): of each vector with each label."""
        similarities: NDArray[np.float32] = vectors @ self.weights.T
        similarities += self.bias
        return similarities

    def stand_out(self, similarities: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Index of the best label, and score, of each row (N, L). Spoils the similarities."""
        rows = np.arange(len(similarities))
        best = similarities.argmax(axis=1)
        highest = similarities[rows, best].astype(np.float64)
        similarities[rows, best] = -np.inf
        runner_up = np.maximum(similarities.max(axis=1), self.runner_up_floor)
        return best, highest - self.runner_up_share * runner_up


def empty_classifier(dimension: int) -> LinearClassifier:
    """Knows nobody: everyone is unknown."""
    return LinearClassifier(
        kind="gallery",
        labels=(),
        weights=np.zeros((0, dimension), np.float32),
        bias=np.zeros(0, np.float32),
        runner_up_share=0.0,
        runner_up_floor=0.0,
        calibration=Calibration(threshold=0.0, width=1.0, even=0.0, steepness=1.0),
    )

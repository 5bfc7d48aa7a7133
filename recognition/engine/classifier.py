"""Vectors to identities, with an explicit "unknown"."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recognition.engine.calibration import probability
from recognition.engine.faces import Identity, Vectors

_CHUNK = 256  # vectors compared at once: 10,000 people then take 10 MB of scores


class Classifier(Protocol):
    """Must be thread-safe. `labels`: everyone it can name. `threshold`: the score from which it names someone."""

    @property
    def kind(self) -> str: ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def threshold(self) -> float: ...

    def identify(self, vectors: Vectors) -> list[Identity]:
        """One identity per vector (N, D)."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearClassifier:
    """Compares a vector with one direction per label, and names the best if it stands out from the second best.

    A label's similarity is `vector · weights + bias`. The score is the best similarity less `runner_up_share` of the
    second best: a face that resembles several people resembles none. `runner_up_floor` stands for a second best that is
    missing or lower, so that scores mean the same in small galleries as in large ones. `width`: the rise in score
    that makes a false alarm ten times rarer.
    """

    kind: str
    labels: tuple[str, ...]
    weights: NDArray[np.float32]  # (L, D)
    bias: NDArray[np.float32]  # (L,)
    runner_up_share: float
    runner_up_floor: float
    threshold: float
    width: float

    def identify(self, vectors: Vectors) -> list[Identity]:
        if not self.labels:
            return [Identity(label=None, probability=0.0, score=0.0, nearest=None)] * len(vectors)
        best, scores = self.score(vectors)
        probabilities = probability(scores, self.threshold, self.width)
        return [
            Identity(
                label=self.labels[index] if score >= self.threshold else None,
                probability=likely,
                score=score,
                nearest=self.labels[index],
            )
            for index, score, likely in zip(best.tolist(), scores.tolist(), probabilities.tolist(), strict=True)
        ]

    def score(
        self, vectors: Vectors, *, without: NDArray[np.intp] | None = None
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Index of the best label, and score, of each vector. `without`: per vector, a label that does not count."""
        best = np.zeros(len(vectors), np.intp)
        scores = np.zeros(len(vectors))
        for start in range(0, len(vectors), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            similarities = vectors[chunk] @ self.weights.T + self.bias
            if without is not None:
                similarities[np.arange(len(similarities)), without[chunk]] = -np.inf
            best[chunk] = similarities.argmax(axis=1)
            scores[chunk] = self._stand_out(similarities)
        return best, scores

    def _stand_out(self, similarities: NDArray[np.float32]) -> NDArray[np.float64]:
        floor = np.full((len(similarities), 1), self.runner_up_floor)
        runner_up = np.partition(np.hstack([similarities, floor]), -2, axis=1)[:, -2]
        scores: NDArray[np.float64] = similarities.max(axis=1) - self.runner_up_share * runner_up
        return scores


def empty_classifier(dimension: int) -> LinearClassifier:
    """Knows nobody: everyone is unknown."""
    return LinearClassifier(
        kind="gallery",
        labels=(),
        weights=np.zeros((0, dimension), np.float32),
        bias=np.zeros(0, np.float32),
        runner_up_share=0.0,
        runner_up_floor=0.0,
        threshold=0.0,
        width=1.0,
    )

"""How well people are recognised who are enrolled, and how rarely others are taken for them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognition.engine.classifier import Classifier
from recognition.engine.faces import Vectors

_RESAMPLES = 300


@dataclass(frozen=True, slots=True)
class Measured:
    """A rate and its standard error, as fractions of 1."""

    rate: float
    error: float

    def __str__(self) -> str:
        return f"{100 * self.rate:6.2f} % ± {100 * self.error:.2f}"


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """What a classifier said about photos.

    person, right, scores (N,): of enrolled people, who it is, whether the nearest label is right, and the score.
    stranger, stranger_scores (M,): of others, who it is and the score.
    """

    person: NDArray[np.intp]
    right: NDArray[np.bool_]
    scores: NDArray[np.float64]
    stranger: NDArray[np.intp]
    stranger_scores: NDArray[np.float64]


def ask(
    classifier: Classifier, vectors: Vectors, labels: Sequence[str], strangers: Vectors, names: Sequence[str]
) -> Probes:
    """Asks about vectors (N, D) of enrolled people, with their labels, and (M, D) of others, with any names."""
    answers = classifier.identify(vectors)
    return Probes(
        person=np.unique(labels, return_inverse=True)[1],
        right=np.array([answer.nearest == label for answer, label in zip(answers, labels, strict=True)], bool),
        scores=np.array([answer.score for answer in answers]),
        stranger=np.unique(names, return_inverse=True)[1],
        stranger_scores=np.array([answer.score for answer in classifier.identify(strangers)]),
    )


def rank1(probes: Probes) -> float:
    """Share of enrolled people's probes whose nearest label is right, whatever the score."""
    return float(np.mean(probes.right))


def threshold_at(probes: Probes, false_alarm_rate: float) -> float:
    """The least threshold that at most this share of strangers' photos exceeds."""
    allowed = int(false_alarm_rate * len(probes.stranger_scores))
    return float(np.sort(probes.stranger_scores)[::-1][allowed])


def identification(probes: Probes, false_alarm_rate: float) -> float:
    """True identification rate (TPIR) where at most this share of strangers' photos is named (FPIR)."""
    return float(np.mean(probes.right & (probes.scores > threshold_at(probes, false_alarm_rate))))


def estimate(statistic: Callable[[Probes], float], probes: Probes) -> Measured:
    """A statistic with its standard error, from resampling people and strangers."""
    resampled = [statistic(resample) for resample in _resamples(probes)]
    return Measured(statistic(probes), float(np.std(resampled, ddof=1)))


def _resamples(probes: Probes) -> Iterator[Probes]:
    """Draws whole people, since photos of one person are not independent."""
    random = np.random.default_rng(0)
    of_person, of_stranger = _groups(probes.person), _groups(probes.stranger)
    for _ in range(_RESAMPLES):
        chosen, others = (
            np.concatenate([groups[index] for index in random.integers(len(groups), size=len(groups))])
            for groups in (of_person, of_stranger)
        )
        yield Probes(
            probes.person[chosen],
            probes.right[chosen],
            probes.scores[chosen],
            probes.stranger[others],
            probes.stranger_scores[others],
        )


def _groups(owners: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The positions of each owner."""
    return np.split(np.argsort(owners, kind="stable"), np.cumsum(np.bincount(owners))[:-1])

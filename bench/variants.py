"""What was tried to tell people apart better: `python -m bench.variants --data FOLDER`.

As in bench.accuracy, everyone is enrolled on three photos. People and strangers are divided into two halves; a variant
is chosen on the first and confirmed on the second, each half's probes being compared with everybody enrolled. For both,
true identification at 1 % false alarms, with the standard error.

Similarity is the cosine between a probe and the mean direction of a person's photos, unless a line says otherwise; the
score is the highest similarity less a share of the runner-up's. The last line is JSON: the rates on the second half.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.corpus import ENROLLED_PHOTOS, Embedded, embedded, parser, photos
from recognition.engine.embedder import unit
from recognition.engine.errors import EngineError
from recognition.engine.evaluation import Measured, Probes, estimate, identification

RATE = 0.01

Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Corpus:
    """enrolled: (people, 3, D). Probes (N, D) with their person's index, and strangers (M, D)."""

    enrolled: Floats
    probes: Floats
    person: NDArray[np.intp]
    strangers: Floats

    def means(self) -> Floats:
        return unit(self.enrolled.mean(axis=1))


Similarities = Callable[[Corpus, Floats], Floats]  # of probes (N, D) with everybody: (N, people)
Score = Callable[[Floats], Floats]  # (N, people) to (N,)


def to_mean(corpus: Corpus, asked: Floats) -> Floats:
    return asked @ corpus.means().T


def to_nearest_photo(corpus: Corpus, asked: Floats) -> Floats:
    return np.max([asked @ corpus.enrolled[:, index].T for index in range(ENROLLED_PHOTOS)], axis=0)


def to_mean_and_photo(corpus: Corpus, asked: Floats) -> Floats:
    return (to_mean(corpus, asked) + to_nearest_photo(corpus, asked)) / 2


def to_trimmed_mean(corpus: Corpus, asked: Floats) -> Floats:
    """Of each person's three photos the two nearest to their mean."""
    nearness = np.einsum("pkd,pd->pk", corpus.enrolled, corpus.means())
    kept = np.take_along_axis(corpus.enrolled, np.argsort(-nearness, axis=1)[:, :2, None], axis=1)
    return asked @ unit(kept.mean(axis=1)).T


def centred(corpus: Corpus, asked: Floats) -> Floats:
    """What all faces have in common is taken away first."""
    centre = corpus.enrolled.mean(axis=(0, 1))
    return unit(asked - centre) @ unit(unit(corpus.enrolled - centre).mean(axis=1)).T


def whitened(corpus: Corpus, asked: Floats) -> Floats:
    """Directions in which photos of one person differ count less."""
    within = (corpus.enrolled - corpus.enrolled.mean(axis=1, keepdims=True)).reshape(-1, corpus.enrolled.shape[2])
    scatter = within.T @ within / len(within)
    scatter += np.trace(scatter) / len(scatter) * np.eye(len(scatter))
    turn = np.linalg.cholesky(np.linalg.inv(scatter))
    return unit(asked @ turn) @ unit(unit(corpus.enrolled @ turn).mean(axis=1)).T


def less_crowding(corpus: Corpus, asked: Floats) -> Floats:
    """Less a fifth of how much each person resembles the ten enrolled people most like them (z-norm of a kind)."""
    means = corpus.means()
    among = np.sort(means @ means.T - 2 * np.eye(len(means)), axis=1)[:, -10:].mean(axis=1)
    return asked @ means.T - 0.2 * among


def less_runner_up(similarities: Floats, *, share: float) -> Floats:
    ordered = np.partition(similarities, -2, axis=1)
    return ordered[:, -1] - share * ordered[:, -2]


def less_next_five(similarities: Floats) -> Floats:
    """t-norm of a kind."""
    ordered = np.sort(similarities, axis=1)
    return ordered[:, -1] - 0.4 * ordered[:, -6:-1].mean(axis=1)


def normalised(similarities: Floats) -> Floats:
    """t-norm: in standard deviations above the mean of all enrolled people."""
    return (similarities.max(axis=1) - similarities.mean(axis=1)) / similarities.std(axis=1)


SHARE = partial(less_runner_up, share=0.4)
VARIANTS: dict[str, tuple[Similarities, Score]] = {
    "chosen: less 0.4 of the runner-up": (to_mean, SHARE),
    "no runner-up": (to_mean, partial(less_runner_up, share=0.0)),
    "less 0.2 of the runner-up": (to_mean, partial(less_runner_up, share=0.2)),
    "less 0.6 of the runner-up": (to_mean, partial(less_runner_up, share=0.6)),
    "less 0.4 of the next five": (to_mean, less_next_five),
    "t-norm over the gallery": (to_mean, normalised),
    "nearest photo": (to_nearest_photo, SHARE),
    "half mean, half nearest photo": (to_mean_and_photo, SHARE),
    "mean of the two photos most alike": (to_trimmed_mean, SHARE),
    "centred": (centred, SHARE),
    "whitened within people": (whitened, SHARE),
    "less likeness to the ten nearest": (less_crowding, SHARE),
}


def corpus_of(people: Embedded, strangers: Embedded) -> Corpus:
    """Of the people with a photo left as a probe."""
    kept = np.flatnonzero(np.bincount(people.owners) > ENROLLED_PHOTOS)
    enrolled = people.vectors[np.isin(people.owners, kept) & (people.ranks < ENROLLED_PHOTOS)]
    asked = people.ranks >= ENROLLED_PHOTOS
    return Corpus(
        enrolled.reshape(len(kept), ENROLLED_PHOTOS, -1),
        people.vectors[asked],
        np.searchsorted(kept, people.owners[asked]),
        strangers.vectors,
    )


def rate_of(corpus: Corpus, similarities: Similarities, score: Score, half: int) -> Measured:
    """On the probes of every other person and stranger."""
    asked = corpus.person % 2 == half
    similar = similarities(corpus, corpus.probes[asked])
    strangers = corpus.strangers[half::2]
    probes = Probes(
        corpus.person[asked],
        similar.argmax(axis=1) == corpus.person[asked],
        score(similar),
        np.arange(len(strangers)),
        score(similarities(corpus, strangers)),
    )
    return estimate(partial(identification, false_alarm_rate=RATE), probes)


def measure(data: Path, pack: Path, kept_in: Path | None) -> dict[str, float]:
    people, strangers = (embedded(pack, photos(data / name), kept_in) for name in ("people", "strangers"))
    corpus = corpus_of(people, strangers)
    figures = {}
    print(f"{'':36}first half         second half")
    for name, (similarities, score) in VARIANTS.items():
        first, second = (rate_of(corpus, similarities, score, half) for half in (0, 1))
        print(f"{name:34} {first}   {second}", flush=True)
        figures[name] = round(second.rate, 5)
    return figures


def main(arguments: list[str]) -> int:
    chosen = parser("variants", "What was tried to tell people apart better.").parse_args(arguments)
    try:
        results = measure(chosen.data, chosen.pack, chosen.keep)
    except (EngineError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Whether thresholds and probabilities mean what they say: `python -m bench.calibration --data FOLDER`.

People and strangers are divided at random into two halves, many times. The pack's figures for impostors are measured on
the first half, which is also the cohort (unless `--no-cohort`). Of the second half, some people are enrolled on three
photos; everyone else of it, and all of its strangers, are strangers. Realised rate: the share of them who are named,
each counting the same, at thresholds for several asked rates. Missed: the share of the enrolled people's other photos
that are not named rightly, beside what the model expected.
Probabilities: of all answers whose probability lies in a range, the share that is right, half of all being strangers'.

Standard errors treat people, who take part in many divisions, as what was drawn at random. The last line is JSON.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.corpus import ENROLLED_PHOTOS, Embedded, embedded, parser, photos
from recognition.engine.classifier import LinearClassifier
from recognition.engine.errors import EngineError
from recognition.engine.evaluation import Measured
from recognition.engine.faces import Vectors
from recognition.engine.fitting import KINDS, fit
from recognition.engine.packs import Impostors, Pack, open_pack

RATES = (0.01, 0.003)
GALLERIES = (20, 100, 215)
MEASURED_ON = (20, 20, 20, 20, 100, 100)  # sizes of galleries whose strangers give the pack's figures
RANGES = (0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1.0)

Indexes = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Half:
    """Indexes of people and of strangers."""

    people: Indexes
    strangers: Indexes


@dataclass(frozen=True, eq=False)
class Outcome:
    """Of one gallery. alarms: for each rate, who was a stranger (S,) and the share of their photos that was named.

    missed, expected: at the first rate. probabilities, right, weights: of all answers.
    """

    strangers: Indexes
    alarms: dict[float, NDArray[np.float64]]
    missed: float
    expected: float
    probabilities: NDArray[np.float64]
    right: NDArray[np.bool_]
    weights: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bench:
    """Everyone, and how to fit."""

    pack: Pack
    kind: str
    people: Embedded
    strangers: Embedded
    with_cohort: bool

    def outcomes(self, size: int, splits: int) -> list[Outcome]:
        """Of galleries of that size, one in each division."""
        return [self._outcome(size, np.random.default_rng([size, seed])) for seed in range(splits)]

    def _outcome(self, size: int, random: np.random.Generator) -> Outcome:
        halves = zip(
            np.array_split(random.permutation(self.people.people), 2),
            np.array_split(random.permutation(self.strangers.people), 2),
            strict=True,
        )
        known, asked = (Half(*half) for half in halves)
        cohort = self._of(known.people, known.strangers, first_only=True)[1]
        pack = self._with_figures(known, cohort, random)
        enrolled = random.choice(asked.people, size, replace=False)
        others, vectors = self._of(np.setdiff1d(asked.people, enrolled), asked.strangers)
        if not self.with_cohort:
            cohort = cohort[:0]
        fitted = {rate: self._fit(self.kind, enrolled, pack, cohort, rate) for rate in RATES}
        scores = {rate: classifier.score(vectors)[1] for rate, classifier in fitted.items()}
        strangers, of_stranger = np.unique(others, return_inverse=True)
        alarms = {
            rate: np.bincount(of_stranger, scores[rate] >= classifier.threshold) / np.bincount(of_stranger)
            for rate, classifier in fitted.items()
        }
        return self._answers(fitted[RATES[0]], enrolled, vectors, strangers, alarms)

    def _answers(
        self,
        classifier: LinearClassifier,
        enrolled: Indexes,
        vectors: Vectors,
        strangers: Indexes,
        alarms: dict[float, NDArray[np.float64]],
    ) -> Outcome:
        chosen = np.isin(self.people.owners, enrolled) & (self.people.ranks >= ENROLLED_PHOTOS)
        labels = self.people.owners[chosen].astype(str)
        said, of_strangers = classifier.identify(self.people.vectors[chosen]), classifier.identify(vectors)
        right = np.array([answer.nearest == label for answer, label in zip(said, labels, strict=True)])
        named = np.array([answer.label is not None for answer in said])
        return Outcome(
            strangers=strangers,
            alarms=alarms,
            missed=1 - float(np.mean(right & named)),
            expected=classifier.expected_miss_rate or 0.0,
            probabilities=np.array([answer.probability for answer in [*said, *of_strangers]]),
            right=np.concatenate([right, np.zeros(len(vectors), bool)]),
            weights=np.repeat([0.5 / len(said), 0.5 / len(vectors)], [len(said), len(vectors)]),
        )

    def _fit(self, kind: str, enrolled: Indexes, pack: Pack, cohort: Vectors, rate: float) -> LinearClassifier:
        chosen = np.isin(self.people.owners, enrolled) & (self.people.ranks < ENROLLED_PHOTOS)
        labels = self.people.owners[chosen].astype(str).tolist()
        return fit(kind, self.people.vectors[chosen], labels, false_alarm_rate=rate, pack=pack, cohort=cohort)

    def _of(self, people: Indexes, strangers: Indexes, *, first_only: bool = False) -> tuple[Indexes, Vectors]:
        """Whose (strangers count on from the people), and the vectors."""
        chosen = np.isin(self.people.owners, people)
        if first_only:
            chosen &= self.people.ranks == 0
        apart = np.isin(self.strangers.owners, strangers)
        owners = [self.people.owners[chosen], self.people.people + self.strangers.owners[apart]]
        return np.concatenate(owners), np.concatenate([self.people.vectors[chosen], self.strangers.vectors[apart]])

    def _with_figures(self, half: Half, cohort: Vectors, random: np.random.Generator) -> Pack:
        """The pack with figures for impostors that were measured on this half alone."""
        scores = []
        for size in MEASURED_ON:
            enrolled = random.choice(half.people, min(size, len(half.people) // 2), replace=False)
            outside = self._of(np.setdiff1d(half.people, enrolled), half.strangers, first_only=True)[1]
            scores.append(self._fit("gallery", enrolled, self.pack, cohort, RATES[0]).score(outside)[1])
        often, at_1pct, seldom = np.quantile(np.concatenate(scores), [0.95, 0.99, 0.997])
        figures = Impostors(
            runner_up=self.pack.manifest.impostors.runner_up,
            threshold_1pct=float(at_1pct),
            per_decade=float((seldom - often) / np.log10(0.05 / 0.003)),
        )
        return replace(self.pack, manifest=replace(self.pack.manifest, impostors=figures))


def realised(outcomes: Sequence[Outcome], rate: float) -> Measured:
    """Share of strangers who were named."""
    count = 1 + max(int(outcome.strangers.max()) for outcome in outcomes)
    alarms, times = np.zeros(count), np.zeros(count)
    for outcome in outcomes:
        np.add.at(alarms, outcome.strangers, outcome.alarms[rate])
        np.add.at(times, outcome.strangers, 1)
    share = alarms.sum() / times.sum()
    return Measured(float(share), float(np.sqrt(np.sum((alarms - share * times) ** 2)) / times.sum()))


def curve(outcomes: Sequence[Outcome]) -> list[tuple[float, float, float]]:
    """For each range of probabilities: mean probability, share that is right, and share of all answers."""
    probabilities, right, weights = (
        np.concatenate([getattr(outcome, name) for outcome in outcomes])
        for name in ("probabilities", "right", "weights")
    )
    bins = np.clip(np.digitize(probabilities, RANGES) - 1, 0, len(RANGES) - 2)
    each = np.bincount(bins, weights, len(RANGES) - 1)
    said, were = (np.bincount(bins, weights * values, len(RANGES) - 1) for values in (probabilities, right))
    return [
        (float(a / n), float(b / n), float(n / len(outcomes))) for a, b, n in zip(said, were, each, strict=True) if n
    ]


def report(outcomes: Sequence[Outcome], size: int) -> dict[str, float]:
    rates = {rate: realised(outcomes, rate) for rate in RATES}
    missed, expected = (float(np.mean([getattr(one, name) for one in outcomes])) for name in ("missed", "expected"))
    print(f"{size} people enrolled, {len(outcomes)} divisions:")
    for rate, measured in rates.items():
        print(f"  asked {100 * rate:4.1f} %  realised {measured}  ({measured.rate / rate:.2f} times)")
    print(f"  at {100 * RATES[0]:.0f} %: {100 * missed:.2f} % missed, {100 * expected:.2f} % expected")
    print("  probability → share right (share of answers): ", end="")
    print(", ".join(f"{said:.3f} → {was:.3f} ({share:.3f})" for said, was, share in curve(outcomes)))
    figures = {f"realised_{100 * rate:g}pct_{size}": measured.rate for rate, measured in rates.items()}
    return figures | {f"missed_{size}": missed, f"expected_{size}": expected}


def measure(
    data: Path, pack: Path, kind: str, kept_in: Path | None, splits: int, *, with_cohort: bool
) -> dict[str, float]:
    """The figures that the last line tells."""
    people, strangers = (embedded(pack, photos(data / name), kept_in) for name in ("people", "strangers"))
    bench = Bench(open_pack(pack), kind, people, strangers, with_cohort)
    figures: dict[str, float] = {}
    for size in GALLERIES:
        if size <= people.people // 2:
            figures |= report(bench.outcomes(size, splits), size)
    return {name: round(value, 5) for name, value in figures.items()}


def main(arguments: list[str]) -> int:
    options = parser("calibration", "Whether thresholds and probabilities mean what they say.")
    options.add_argument("--classifier", choices=KINDS, default=KINDS[0])
    options.add_argument("--splits", type=int, default=40, help="how many divisions into halves")
    options.add_argument("--no-cohort", action="store_true", help="calibrate with the pack's figures and the gallery")
    chosen = options.parse_args(arguments)
    try:
        results = measure(
            chosen.data, chosen.pack, chosen.classifier, chosen.keep, chosen.splits, with_cohort=not chosen.no_cohort
        )
    except (EngineError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

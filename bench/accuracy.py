"""How well a pack tells people apart: `python -m bench.accuracy --data FOLDER`.

Pairs: share decided rightly in ten folds, each with the threshold that is best for the other nine; the mean of ten
divisions into folds.
Open set: everyone in `people` is enrolled on the first three photos by name; the other photos and all strangers are
probes. Rank 1: share of people's probes whose nearest label is right. True identification at a false-alarm rate: the
threshold lets at most that share of strangers' photos pass; counted are probes that pass it and whose label is right.
A photo in which no face is found counts against the pack.

The last line of the output is JSON.
"""

import json
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.corpus import ENROLLED_PHOTOS, Embedded, embedded, pairs, parser, photos
from recognition.engine.errors import EngineError
from recognition.engine.evaluation import Measured, Probes, ask, estimate, identification, rank1
from recognition.engine.fitting import KINDS, fit
from recognition.engine.packs import open_pack

FALSE_ALARM_RATES = {"0_1pct": 0.001, "1pct": 0.01, "10pct": 0.1}
OWN_RATE = 0.01
FOLDS = 10
DIVISIONS = 10


def pair_accuracy(similarities: NDArray[np.float64], same: NDArray[np.bool_]) -> Measured:
    """Ten-fold verification, repeated with other folds, since one division is worth a tenth of a percent by chance."""
    rates = []
    for fold in (_folds(same, seed) for seed in range(DIVISIONS)):
        for held_out in (fold == number for number in range(FOLDS)):
            threshold = _best_threshold(similarities[~held_out], same[~held_out])
            rates.append(np.mean((similarities[held_out] >= threshold) == same[held_out]))
    rate = float(np.mean(rates))
    return Measured(rate, float(np.sqrt(rate * (1 - rate) / len(same))))


def _folds(same: NDArray[np.bool_], seed: int) -> NDArray[np.intp]:
    """The fold of each pair; every fold has as many pairs of the same person as any other."""
    fold = np.zeros(len(same), np.intp)
    for kind in (True, False):
        fold[same == kind] = np.random.default_rng(seed).permutation(np.sum(same == kind)) % FOLDS
    return fold


def _best_threshold(similarities: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """Half-way between the neighbours between which the most pairs are decided rightly."""
    order = np.argsort(similarities)
    ordered, values = same[order], similarities[order]
    # With the threshold after position i, pairs up to i count as different and the others as the same.
    right = np.cumsum(~ordered)[:-1] + np.cumsum(ordered[::-1])[::-1][1:]
    best = int(np.argmax(right))
    return float(values[best] + values[best + 1]) / 2


def probe(pack: Path, kind: str, people: Embedded, strangers: Embedded) -> Probes:
    """Enrols each person on the first photos and asks the classifier about all other photos."""
    enrolled = (people.ranks < ENROLLED_PHOTOS) & people.vectors.any(axis=1)
    asked = people.ranks >= ENROLLED_PHOTOS
    labels = people.owners.astype(str)
    started = time.perf_counter()
    classifier = fit(
        kind, people.vectors[enrolled], labels[enrolled].tolist(), false_alarm_rate=OWN_RATE, pack=open_pack(pack)
    )
    print(f"Classifier {kind}: {len(classifier.labels)} people, trained in {time.perf_counter() - started:.1f} s")
    names = strangers.owners.astype(str).tolist()
    probes = ask(classifier, people.vectors[asked], labels[asked].tolist(), strangers.vectors, names)
    passed = np.mean(probes.stranger_scores >= classifier.threshold)
    missed = 1 - np.mean(probes.right & (probes.scores >= classifier.threshold))
    print(
        f"  at its own threshold for 1 % false alarms: {100 * passed:.2f} % false alarms, {100 * missed:.2f} % missed "
        f"(expected: {100 * (classifier.expected_miss_rate or 0):.2f} %)"
    )
    return probes


def measure(data: Path, pack: Path, kind: str, kept_in: Path | None) -> dict[str, float | int]:
    """The rates and counts that the last line tells."""
    shown, same = pairs(data)
    groups = {name: photos(data / name) for name in ("people", "strangers")}
    people, strangers = (embedded(pack, group, kept_in) for group in groups.values())
    files = [file for group in groups.values() for of_one in group for file in of_one]
    vectors = dict(zip(files, np.concatenate([people.vectors, strangers.vectors]), strict=True))
    similarities = np.array([float(vectors[first] @ vectors[second]) for first, second in shown])
    probes = probe(pack, kind, people, strangers)
    results = {"pair_accuracy": pair_accuracy(similarities, same), "rank1": estimate(rank1, probes)}
    for name, rate in FALSE_ALARM_RATES.items():
        results[f"tpir_at_fpir_{name}"] = estimate(partial(identification, false_alarm_rate=rate), probes)
    print(f"Rates with standard errors ({len(same)} pairs; resampled by person and stranger):")
    for name, measured in results.items():
        print(f"  {name:22} {measured}")
    counts = {"people": people.people, "probes": len(probes.scores), "strangers": len(strangers.vectors)}
    return {name: round(measured.rate, 5) for name, measured in results.items()} | counts


def main(arguments: list[str]) -> int:
    options = parser("accuracy", "How well a pack tells people apart.")
    options.add_argument("--classifier", choices=KINDS, default=KINDS[0])
    chosen = options.parse_args(arguments)
    try:
        results = measure(chosen.data, chosen.pack, chosen.classifier, chosen.keep)
    except (EngineError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

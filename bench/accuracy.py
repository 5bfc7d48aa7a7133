"""How well a pack tells people apart: `python -m bench.accuracy --data FOLDER`.

FOLDER holds `people/<Name>/` (several photos each), `strangers/<Name>/` (people who are never enrolled) and `pairs.tsv`
(path, path, 1 for the same person or 0, separated by tabs). In each photo the face nearest to the middle is meant.

Pairs: share decided rightly in ten folds, each with the threshold that is best for the other nine; the mean of ten
divisions into folds.
Open set: everyone in `people` is enrolled on the first three photos by name; the other photos and all strangers are
probes. Rank 1: share of people's probes whose nearest label is right. True identification at a false-alarm rate: the
threshold lets at most that share of strangers' photos pass; counted are probes that pass it and whose label is right.
A photo in which no face is found counts against the pack.

The last line of the output is JSON.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognition.engine.errors import EngineError
from recognition.engine.faces import EmbeddedFace
from recognition.engine.fitting import KINDS, fit
from recognition.engine.images import decode
from recognition.engine.packs import open_pack
from recognition.engine.pipeline import Pipeline

ENROLLED_PHOTOS = 3
FALSE_ALARM_RATES = {"0_1pct": 0.001, "1pct": 0.01, "10pct": 0.1}
FOLDS = 10
DIVISIONS = 10
RESAMPLES = 300
PACK = Path(__file__).resolve().parents[1] / "var" / "packs" / "dlib-resnet"
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".avif"}

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Measured:
    """A rate and its standard error, as fractions of 1."""

    rate: float
    error: float

    def __str__(self) -> str:
        return f"{100 * self.rate:6.2f} % ± {100 * self.error:.2f}"


@dataclass(frozen=True)
class Probes:
    """For each probe: who it is (index of a person), whether the nearest label is right, and the score."""

    person: NDArray[np.intp]
    right: NDArray[np.bool_]
    scores: NDArray[np.float64]
    stranger_scores: NDArray[np.float64]


@cache
def _pipeline(pack: Path) -> Pipeline:
    return Pipeline(open_pack(pack))


def _central_vector(pack: Path, photo: Path) -> Vectors | None:
    """The vector of the face nearest to the middle."""
    image = decode(photo.read_bytes())
    middle = np.array(image.shape[1::-1]) / 2

    def distance(found: EmbeddedFace) -> float:
        x1, y1, x2, y2 = found.face.box
        return float(np.hypot(*((x1 + x2) / 2, (y1 + y2) / 2) - middle))

    (faces,) = _pipeline(pack).analyse([image])
    return min(faces, key=distance).vector if faces else None


def embed(pack: Path, photos: Sequence[Path]) -> dict[Path, Vectors]:
    """The vector of the person meant in every photo; zero where no face was found."""
    nothing = np.zeros(open_pack(pack).dimension, np.float32)
    vectors = {}
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        found = processes.map(_central_vector, [pack] * len(photos), photos, chunksize=16)
        for photo, vector in zip(photos, found, strict=True):
            vectors[photo] = nothing if vector is None else vector
            if len(vectors) % 500 == 0:
                print(f"  {len(vectors)} of {len(photos)} photos", flush=True)
    return vectors


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


def identification(probes: Probes, false_alarm_rate: float) -> float:
    """True identification rate at a false-alarm rate."""
    allowed = int(false_alarm_rate * len(probes.stranger_scores))
    threshold = np.sort(probes.stranger_scores)[::-1][allowed]
    return float(np.mean(probes.right & (probes.scores > threshold)))


def open_set(probes: Probes) -> dict[str, Measured]:
    """Rank 1 and true identification rates, with standard errors from resampling people and strangers."""
    resamples = [_rates(resample) for resample in _resamples(probes)]
    return {
        name: Measured(rate, float(np.std([resample[name] for resample in resamples], ddof=1)))
        for name, rate in _rates(probes).items()
    }


def _rates(probes: Probes) -> dict[str, float]:
    rates = {f"tpir_at_fpir_{name}": identification(probes, rate) for name, rate in FALSE_ALARM_RATES.items()}
    return {"rank1": float(np.mean(probes.right)), **rates}


def _resamples(probes: Probes) -> Iterator[Probes]:
    """Draws whole people, since photos of one person are not independent."""
    random = np.random.default_rng(0)
    of_person = [np.flatnonzero(probes.person == person) for person in np.unique(probes.person)]
    for _ in range(RESAMPLES):
        chosen = np.concatenate([of_person[index] for index in random.integers(len(of_person), size=len(of_person))])
        strangers = random.choice(probes.stranger_scores, len(probes.stranger_scores))
        yield Probes(probes.person[chosen], probes.right[chosen], probes.scores[chosen], strangers)


def probe(pack: Path, kind: str, people: Sequence[Sequence[Vectors]], strangers: Sequence[Vectors]) -> Probes:
    """Enrols each person on the first photos and asks the classifier about all other photos."""
    enrolled = [(str(index), v) for index, vectors in enumerate(people) for v in vectors[:ENROLLED_PHOTOS] if v.any()]
    asked = [(index, v) for index, vectors in enumerate(people) for v in vectors[ENROLLED_PHOTOS:]]
    labels, vectors = zip(*enrolled, strict=True)
    started = time.perf_counter()
    classifier = fit(kind, np.stack(vectors), labels, false_alarm_rate=0.01, pack=open_pack(pack))
    print(f"Classifier {kind}: {len(people)} people, trained in {time.perf_counter() - started:.1f} s")
    said = classifier.identify(np.stack([vector for _, vector in asked]))
    said_of_strangers = classifier.identify(np.stack(strangers))
    probes = Probes(
        person=np.array([index for index, _ in asked]),
        right=np.array([identity.nearest == str(index) for identity, (index, _) in zip(said, asked, strict=True)]),
        scores=np.array([identity.score for identity in said]),
        stranger_scores=np.array([identity.score for identity in said_of_strangers]),
    )
    passed = np.mean(probes.stranger_scores >= classifier.threshold)
    named = np.mean(probes.right & (probes.scores >= classifier.threshold))
    print(f"  at its own threshold for 1 % false alarms: {100 * passed:.2f} % false alarms, {100 * named:.2f} % named")
    return probes


def _photos(folder: Path) -> list[list[Path]]:
    people = [
        sorted(file for file in person.iterdir() if file.suffix.lower() in PICTURES) for person in folder.iterdir()
    ]
    return sorted(photos for photos in people if photos)


def _pairs(data: Path) -> tuple[list[tuple[Path, Path]], NDArray[np.bool_]]:
    rows = [line.split("\t") for line in (data / "pairs.tsv").read_text(encoding="utf-8").splitlines() if line]
    return [(data / first, data / second) for first, second, _ in rows], np.array([row[2] == "1" for row in rows])


def measure(data: Path, pack: Path, kind: str) -> dict[str, float | int]:
    people, strangers = _photos(data / "people"), _photos(data / "strangers")
    pairs, same = _pairs(data)
    photos = sorted({*(p for group in [*people, *strangers] for p in group), *(p for pair in pairs for p in pair)})
    print(f"Embedding {len(photos)} photos with {open_pack(pack).id}", flush=True)
    started = time.perf_counter()
    vectors = embed(pack, photos)
    faceless = sum(not vector.any() for vector in vectors.values())
    print(f"  in {time.perf_counter() - started:.0f} s; no face found in {faceless} of them")
    similarities = np.array([vectors[first] @ vectors[second] for first, second in pairs], float)
    results = {"pair_accuracy": pair_accuracy(similarities, same)}
    of_people = [[vectors[photo] for photo in group] for group in people]
    of_strangers = [vectors[photo] for group in strangers for photo in group]
    probes = probe(pack, kind, of_people, of_strangers)
    results |= open_set(probes)
    print(f"Rates with standard errors ({len(same)} pairs; resampled by person and stranger):")
    for name, measured in results.items():
        print(f"  {name:22} {measured}")
    counts = {"people": len(people), "probes": len(probes.scores), "strangers": len(of_strangers)}
    return {name: round(measured.rate, 5) for name, measured in results.items()} | counts


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description="How well a pack tells people apart.")
    parser.add_argument("--data", type=Path, required=True, help="folder with people/, strangers/ and pairs.tsv")
    parser.add_argument("--pack", type=Path, default=PACK, help="folder of a built pack")
    parser.add_argument("--classifier", choices=KINDS, default=KINDS[0])
    options = parser.parse_args(arguments)
    try:
        results = measure(options.data, options.pack, options.classifier)
    except (EngineError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

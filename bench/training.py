"""How long training takes, and identification after it, for a gallery of any size: `python -m bench.training`.

The gallery is made up. A vector is what all faces have in common, plus what makes the person, plus what makes the
photo, brought to length 1. The size of each, over how many directions it spreads, and how much photos differ in their
distance from the person are such that cosines within and between people, cosines of strangers with the nearest of 430
people, and rates of identification come out as with the pack dlib-resnet on real photos (see docs/benchmarks.md).

Measured one after the other in this process: training; training again with one more person; the search for mix-ups;
writing the model and loading it; identification of faces, half of them strangers', in batches of 16 and alone.

The last line of the output is JSON. vectors: of each person. identify_ms and identify_alone_ms: per face. peak_mb: the
most memory that the process held at any time, the made-up vectors included.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import numpy as np

from recognition.engine import artifact, mixups
from recognition.engine.artifact import Model
from recognition.engine.classifier import Classifier, LinearClassifier
from recognition.engine.embedder import unit
from recognition.engine.errors import EngineError
from recognition.engine.faces import Identity, Vectors
from recognition.engine.fitting import KINDS, fit
from recognition.engine.packs import Pack, open_pack

PACK = Path(__file__).resolve().parents[1] / "var" / "packs" / "dlib-resnet"
FALSE_ALARM_RATE = 0.001
PROBES = 5_000  # new photos of enrolled people, and as many of strangers
BATCH = 16
ALONE = 200

# Squared lengths of what all faces have in common, of what makes the person, and of what makes a typical photo.
COMMON, PERSONAL, PASSING = 0.84, 0.117, 0.039
# Variance falls to 1/e after so many directions: people differ in few ways, photos in more.
PERSONAL_DIRECTIONS, PASSING_DIRECTIONS = 10, 25
# Standard deviation of the logarithm of a photo's distance from its person: some photos are poor.
UNEVENNESS = 0.25

R = TypeVar("R")


@dataclass(frozen=True)
class MadeUpPeople:
    """Draws people and photos of them."""

    dimension: int
    random: np.random.Generator

    def people(self, count: int) -> Vectors:
        """(count, D): what their photos have in common."""
        people = self._normal(count, PERSONAL, PERSONAL_DIRECTIONS)
        people[:, -1] += np.sqrt(COMMON)
        return people

    def photos(self, people: Vectors, each: int) -> Vectors:
        """Unit vectors (P * each, D), all of the first person first."""
        photos = self._normal(len(people) * each, PASSING, PASSING_DIRECTIONS)
        photos *= np.exp(UNEVENNESS * self.random.standard_normal((len(photos), 1), np.float32))
        photos += np.repeat(people, each, axis=0)
        return unit(photos)

    def _normal(self, count: int, share: float, directions: int) -> Vectors:
        variance = np.exp(-np.arange(self.dimension) / directions)
        spread = np.sqrt(share * variance / variance.sum()).astype(np.float32)
        return self.random.standard_normal((count, self.dimension), np.float32) * spread


def clocked(what: str, work: Callable[[], R]) -> tuple[R, float]:
    """What the work gave, and how many seconds it took."""
    started = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - started
    print(f"  {what}: {seconds:.3f} s", flush=True)
    return result, seconds


def measure(people: int, each: int, kind: str, pack: Pack) -> dict[str, float | int | str]:
    print(f"Making up {people:,} people with {each} vectors each", flush=True)
    makes = MadeUpPeople(pack.dimension, np.random.default_rng(0))
    someone = makes.people(people + 1)
    vectors = makes.photos(someone, each)
    labels = [str(UUID(int=person)) for person in range(people + 1) for _ in range(each)]
    asked = [someone[makes.random.integers(people, size=PROBES)], makes.people(PROBES)]
    probes = makes.photos(np.concatenate(asked), 1)

    def train(size: int) -> LinearClassifier:
        options = {"false_alarm_rate": FALSE_ALARM_RATE, "pack": pack}
        return fit(kind, vectors[: size * each], labels[: size * each], **options)

    classifier, train_s = clocked(f"training {kind}", lambda: train(people))
    _, add_one_s = clocked("training with one more person", lambda: train(people + 1))
    found, mixups_s = clocked("searching for mix-ups", lambda: mixups.find(vectors, labels, pack=pack))
    print(f"    {len(found.photos)} photos and {len(found.people)} pairs of people are suspected")
    model = Model(classifier, pack.id, FALSE_ALARM_RATE, people * each)
    data, dump_s = clocked("writing the model", lambda: artifact.dump(model))
    loaded, load_s = clocked("loading it", lambda: artifact.load(data).classifier)
    answers, identify_s = clocked(f"identifying {len(probes):,} faces", lambda: identify(loaded, probes, BATCH))
    _, alone_s = clocked(f"identifying {ALONE} of them alone", lambda: identify(loaded, probes[:ALONE], 1))
    of_people, of_strangers = np.array([answer.label is not None for answer in answers]).reshape(2, -1).mean(axis=1)
    print(f"    named: {of_people:.1%} of people, {of_strangers:.2%} of strangers (asked: {FALSE_ALARM_RATE:.2%})")
    return {
        "people": people,
        "vectors": each,
        "classifier": classifier.kind,
        "train_s": round(train_s, 3),
        "add_one_s": round(add_one_s, 3),
        "mixups_s": round(mixups_s, 3),
        "identify_ms": round(1000 * identify_s / len(probes), 3),
        "identify_alone_ms": round(1000 * alone_s / ALONE, 3),
        "artifact_mb": round(len(data) / 1e6, 1),
        "dump_ms": round(1000 * dump_s, 1),
        "load_ms": round(1000 * load_s, 1),
        "peak_mb": round(peak_bytes() / 1e6),
    }


def identify(classifier: Classifier, vectors: Vectors, batch: int) -> list[Identity]:
    """All of them, so many at a time."""
    starts = range(0, len(vectors), batch)
    return [answer for start in starts for answer in classifier.identify(vectors[start : start + batch])]


def peak_bytes() -> int:
    """The most memory that this process held at any time."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(status["VmHWM"].removesuffix("kB"))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.training", description="Speed of training at scale.")
    parser.add_argument("--people", type=positive, default=10_000, help="in the gallery (%(default)s)")
    parser.add_argument("--vectors", type=positive, default=10, help="of each person (%(default)s)")
    parser.add_argument("--classifier", choices=KINDS, default=KINDS[0])
    parser.add_argument("--pack", type=Path, default=PACK, help="folder of a built pack")
    options = parser.parse_args(arguments)
    try:
        results = measure(options.people, options.vectors, options.classifier, open_pack(options.pack))
    except (EngineError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(results))
    return 0


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

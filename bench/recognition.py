"""How many faces a second the engine names, beside the classic pipeline: `python -m bench.recognition --data FOLDER`.

FOLDER holds `<Name>/photo.jpg`. Three measurements on the same photos and cores, each from bytes to identities:

- baseline: facenet-pytorch's MTCNN and InceptionResnetV1 (random weights: they take the same time) and a linear SVC of
  scikit-learn, image by image; once with a process per core, once with threads of one process; the faster one counts.
- photo: the engine on the same photos, a process per core.
- crop: the engine on what an edge node would send of the face in the middle (edge_client.codec), a process per core.

The engine takes batches of 16. Each process passes over its share until five seconds have gone by, after a warm-up.
Detection recall: share of photos in which a found box covers the middle. The last line of the output is JSON;
milliseconds there are of one core, per image.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path
from threading import Barrier

from bench.baseline import Baseline
from bench.engine import PACK, Box, Clock, Contender, Engine, choose, cut
from recognition.engine.errors import EngineError
from recognition.engine.images import inspect
from recognition.engine.packs import open_pack

SECONDS = 5.0
START_SECONDS = 300  # until every process is ready
CORES = os.cpu_count() or 1


@dataclass(frozen=True)
class Measured:
    """Images a second, milliseconds of one core per image and stage, and the middle box of each image."""

    per_s: float
    stage_ms: dict[str, float]
    middles: list[Box | None]

    @property
    def recall(self) -> float:
        return sum(box is not None for box in self.middles) / len(self.middles)


def measure(name: str, make: Callable[[], Contender], images: Sequence[bytes], processes: int) -> Measured:
    """`make` is called in every process."""
    context = multiprocessing.get_context("spawn")
    shares = [images[first::processes] for first in range(processes)]
    with context.Manager() as manager, ProcessPoolExecutor(processes, context) as pool:
        start = manager.Barrier(processes)  # a process that waits takes no second share
        runs = list(pool.map(_run, [make] * processes, shares, [start] * processes))
    passed = sum(images for images, *_ in runs)
    total = sum((clock.seconds for *_, clock, _ in runs), Counter())
    stages = stage_ms(total, passed)
    middles = list(chain.from_iterable(zip_longest(*(middles for *_, middles in runs))))[: len(images)]
    measured = Measured(sum(images / seconds for images, seconds, *_ in runs), stages, middles)
    print(
        f"{name:20} {measured.per_s:7.1f} images/s   recall {100 * measured.recall:6.2f} %   "
        + "  ".join(f"{stage} {ms:.2f} ms" for stage, ms in stages.items()),
        flush=True,
    )
    return measured


def _run(
    make: Callable[[], Contender], images: Sequence[bytes], start: Barrier
) -> tuple[int, float, Clock, list[Box | None]]:
    """Images done, seconds, seconds by stage, and the middle box of each image, in one process of several."""
    contender = make()
    batches = [images[first : first + contender.batch] for first in range(0, len(images), contender.batch)]
    for batch in batches[:2]:
        contender.boxes(batch, Clock())
    start.wait(START_SECONDS)
    clock, passes, started = Clock(), 0, time.perf_counter()
    while (seconds := time.perf_counter() - started) < SECONDS:
        found = [boxes for batch in batches for boxes in contender.boxes(batch, clock)]
        passes += 1
    sizes = map(inspect, images)
    middles = [middle_box(boxes, size.width, size.height) for boxes, size in zip(found, sizes, strict=True)]
    return passes * len(images), seconds, clock, middles


def middle_box(boxes: Sequence[Box], width: int, height: int) -> Box | None:
    """The first box that covers the middle of an image."""
    covering = (box for box in boxes if box[0] <= width / 2 <= box[2] and box[1] <= height / 2 <= box[3])
    return next(covering, None)


def stage_ms(seconds: Counter[str], images: int) -> dict[str, float]:
    """Milliseconds per image. `align` is what the pipeline takes beside detection and embedding."""
    stages = dict(seconds)
    if "analyse" in stages:
        stages["align"] = stages.pop("analyse") - stages.get("detect", 0) - stages.get("embed", 0)
    order = ("decode", "detect", "align", "embed", "identify")
    return {name: round(1000 * stages.get(name, 0) / images, 3) for name in order}


def compare(photos: Sequence[bytes], folder: Path) -> dict[str, object]:
    """The measurements, as the last line reports them."""
    pack = open_pack(folder)
    alternatives = {
        "processes": measure("baseline, processes", partial(Baseline, threads=1), photos, CORES),
        "threads": measure("baseline, threads", partial(Baseline, threads=CORES), photos, 1),
    }
    fastest = max(alternatives, key=lambda name: alternatives[name].per_s)
    baseline = alternatives[fastest]
    photo = measure("engine, photos", partial(Engine, folder, crops=False), photos, CORES)
    crops = [cut(data, box) for data, box in zip(photos, photo.middles, strict=True) if box]
    if not crops:
        raise ValueError("No photo has a face in its middle: there is nothing to cut out.")
    crop = measure("engine, crops", partial(Engine, folder, crops=True), crops, CORES)
    return {
        "baseline_per_s": round(baseline.per_s, 2),
        "photo_per_s": round(photo.per_s, 2),
        "crop_per_s": round(crop.per_s, 2),
        "photo_ratio": round(photo.per_s / baseline.per_s, 2),
        "crop_ratio": round(crop.per_s / baseline.per_s, 2),
        "pack": pack.id,
        "precision": pack.manifest.embedder.precision,
        "cores": CORES,
        "photos": len(photos),
        "baseline_uses": fastest,
        "stage_ms": {"baseline": baseline.stage_ms, "photo": photo.stage_ms, "crop": crop.stage_ms},
        "recall": {"baseline": round(baseline.recall, 4), "engine": round(photo.recall, 4)},
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.recognition", description="How fast faces are named.")
    parser.add_argument("--data", type=Path, required=True, help="folder of people: NAME/photo.jpg")
    parser.add_argument("--photos", type=int, default=300, help="how many of them (%(default)s)")
    parser.add_argument("--pack", type=Path, default=PACK, help="folder of a built pack")
    options = parser.parse_args(arguments)
    try:
        photos = [path.read_bytes() for path in choose(options.data, options.photos)]
        results = compare(photos, options.pack)
    except (EngineError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

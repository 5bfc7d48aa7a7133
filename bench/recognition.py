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
import io
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from itertools import chain, zip_longest
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Protocol, TypeVar

import cv2
import numpy as np
from PIL import Image as Pictures
from sklearn.svm import SVC

from edge_client import codec
from mtcnn.boxes import suppress
from recognition.engine.detector import MtcnnDetector
from recognition.engine.embedder import OnnxEmbedder, unit
from recognition.engine.errors import EngineError
from recognition.engine.faces import Vectors
from recognition.engine.fitting import KINDS, fit
from recognition.engine.images import decode, inspect
from recognition.engine.packs import open_pack
from recognition.engine.pipeline import Pipeline
from recognition.packbuild.facenet import facenet_pytorch, torch

BATCH = 16
SECONDS = 5.0
START_SECONDS = 300  # until every process is ready
PEOPLE, VECTORS_EACH = 100, 5  # in the gallery, made of random vectors
PACK = Path(__file__).resolve().parents[1] / "var" / "packs" / "dlib-resnet"
PRECISION = "fp32"
CORES = os.cpu_count() or 1

Box = tuple[float, float, float, float]
R = TypeVar("R")


class Clock:
    """Adds up seconds by stage."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - started


class Contender(Protocol):
    """`batch`: how many images it takes at once."""

    batch: int

    def boxes(self, images: Sequence[bytes], clock: Clock) -> list[list[Box]]:
        """Where each image has faces, after naming them all."""


class Baseline:
    """facenet-pytorch and scikit-learn as their documentation combines them."""

    batch = 1

    def __init__(self, *, threads: int) -> None:
        torch.set_num_threads(threads)
        if not _operator_loads():
            facenet_pytorch.models.utils.detect_face.batched_nms = _batched_nms
        self._mtcnn = facenet_pytorch.MTCNN(keep_all=True)
        self._embedder = facenet_pytorch.InceptionResnetV1().eval()
        self._classifier = SVC(kernel="linear").fit(*random_gallery(512))

    def boxes(self, images: Sequence[bytes], clock: Clock) -> list[list[Box]]:
        return [self._boxes(image, clock) for image in images]

    def _boxes(self, data: bytes, clock: Clock) -> list[Box]:
        with clock.stage("decode"):
            picture = Pictures.open(io.BytesIO(data)).convert("RGB")
        with clock.stage("detect"):
            boxes, _ = self._mtcnn.detect(picture)
        if boxes is None:
            return []
        with clock.stage("align"):
            chips = self._mtcnn.extract(picture, boxes, None)
        with clock.stage("embed"), torch.inference_mode():
            vectors = self._embedder(chips).numpy()
        with clock.stage("identify"):
            self._classifier.predict(vectors)
        return [tuple(box) for box in boxes.tolist()]


def _operator_loads() -> bool:
    try:
        torch.ops.torchvision.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except (NotImplementedError, RuntimeError):
        return False
    return True


def _batched_nms(boxes: torch.Tensor, scores: torch.Tensor, _: torch.Tensor, threshold: float) -> torch.Tensor:
    """Stands in for torchvision's operator where that does not load. One image at a time, so one group."""
    return torch.from_numpy(suppress(boxes.numpy(), scores.numpy(), threshold))


class Engine:
    """The product's pipeline with a gallery."""

    batch = BATCH

    def __init__(self, pack_folder: Path, *, crops: bool) -> None:
        cv2.setNumThreads(1)
        pack = open_pack(pack_folder)
        detector = SimpleNamespace(detect=self._timed("detect", MtcnnDetector(pack).detect))
        embedder = SimpleNamespace(embed=self._timed("embed", OnnxEmbedder(pack).embed))
        self._pipeline = Pipeline(pack, detector=detector, embedder=embedder)
        vectors, labels = random_gallery(pack.dimension)
        self._classifier = fit(KINDS[0], vectors, labels, false_alarm_rate=0.001, pack=pack)
        self._crops = crops
        self._clock = Clock()

    def _timed(self, stage: str, call: Callable[..., R]) -> Callable[..., R]:
        @wraps(call)
        def timed(*arguments: object, **options: object) -> R:
            with self._clock.stage(stage):
                return call(*arguments, **options)

        return timed

    def boxes(self, images: Sequence[bytes], clock: Clock) -> list[list[Box]]:
        self._clock = clock
        with clock.stage("decode"):
            pixels = [decode(data) for data in images]
        with clock.stage("analyse"):
            found = self._pipeline.analyse(pixels, crops=self._crops)
        vectors = [face.vector for faces in found for face in faces]
        with clock.stage("identify"):
            if vectors:
                self._classifier.identify(np.stack(vectors))
        return [[face.face.box for face in faces] for faces in found]


def random_gallery(dimension: int) -> tuple[Vectors, list[str]]:
    """Unit vectors and their labels."""
    vectors = np.random.default_rng(0).standard_normal((PEOPLE * VECTORS_EACH, dimension), np.float32)
    return unit(vectors), [f"person {number}" for number in range(PEOPLE) for _ in range(VECTORS_EACH)]


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


def choose(folder: Path, count: int) -> list[Path]:
    """The first photo of each person, then the second of each, up to `count`. Raises ValueError if there is none."""
    people = [sorted(path.glob("*.jpg")) for path in sorted(folder.iterdir()) if path.is_dir()]
    photos = [photo for round_ in zip_longest(*people) for photo in round_ if photo]
    if not photos:
        raise ValueError(f"{folder} holds no NAME/photo.jpg")
    return photos[:count]


def cut(photo: bytes, box: Box) -> bytes:
    """What an edge node sends of a face."""
    return codec.encode(codec.crop(decode(photo), box), "webp")


def compare(photos: Sequence[bytes], pack: Path) -> dict[str, object]:
    """The three measurements, as the last line reports them."""
    alternatives = {
        "processes": measure("baseline, processes", partial(Baseline, threads=1), photos, CORES),
        "threads": measure("baseline, threads", partial(Baseline, threads=CORES), photos, 1),
    }
    fastest = max(alternatives, key=lambda name: alternatives[name].per_s)
    baseline = alternatives[fastest]
    photo = measure("engine, photos", partial(Engine, pack, crops=False), photos, CORES)
    crops = [cut(data, box) for data, box in zip(photos, photo.middles, strict=True) if box]
    if not crops:
        raise ValueError("No photo has a face in its middle: there is nothing to cut out.")
    crop = measure("engine, crops", partial(Engine, pack, crops=True), crops, CORES)
    return {
        "baseline_per_s": round(baseline.per_s, 2),
        "photo_per_s": round(photo.per_s, 2),
        "crop_per_s": round(crop.per_s, 2),
        "photo_ratio": round(photo.per_s / baseline.per_s, 2),
        "crop_ratio": round(crop.per_s / baseline.per_s, 2),
        "pack": open_pack(pack).id,
        "precision": PRECISION,
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

"""The engine as benches run it, from bytes to identities, and the photos that they run it on."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from itertools import zip_longest
from pathlib import Path
from types import SimpleNamespace
from typing import Protocol, TypeVar

import cv2
import numpy as np

from edge_client import codec
from recognition.engine.detector import MtcnnDetector
from recognition.engine.embedder import OnnxEmbedder, unit
from recognition.engine.faces import Vectors
from recognition.engine.fitting import KINDS, fit
from recognition.engine.images import decode
from recognition.engine.packs import open_pack
from recognition.engine.pipeline import Pipeline

BATCH = 16
PACK = Path(__file__).resolve().parents[1] / "var" / "packs" / "dlib-resnet"
PEOPLE, VECTORS_EACH = 100, 5  # in the gallery, made of random vectors

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

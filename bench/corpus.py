"""The photos that benches measure on, and their vectors.

A corpus is a folder with `people/<Name>/` (several photos each), `strangers/<Name>/` (people who are never enrolled)
and `pairs.tsv` (path, path, 1 for the same person or 0, separated by tabs) of these photos. In each the face nearest to
the middle is meant. Embedding takes a minute; vectors are kept in a folder for the next run if one is named.
"""

import argparse
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recognition.engine.faces import EmbeddedFace, Image, Vectors
from recognition.engine.images import decode
from recognition.engine.packs import open_pack
from recognition.engine.pipeline import Pipeline

ENROLLED_PHOTOS = 3
PACK = Path(__file__).resolve().parents[1] / "var" / "packs" / "dlib-resnet"
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".avif"}

Embed = Callable[[Path, Path], Vectors]


@dataclass(frozen=True, eq=False)
class Embedded:
    """vectors: (N, D), zero where no face was found. owners: (N,) indexes of people. ranks: (N,) which photo of theirs.

    The photos are sorted by person and name.
    """

    vectors: Vectors
    owners: NDArray[np.intp]
    ranks: NDArray[np.intp]

    @property
    def people(self) -> int:
        return int(self.owners[-1]) + 1


@cache
def pipeline(pack: Path) -> Pipeline:
    return Pipeline(open_pack(pack))


def central(image: Image, faces: Iterable[EmbeddedFace]) -> EmbeddedFace | None:
    """The face nearest to the middle."""
    middle = np.array(image.shape[1::-1]) / 2

    def distance(found: EmbeddedFace) -> float:
        x1, y1, x2, y2 = found.face.box
        return float(np.hypot(*((x1 + x2) / 2, (y1 + y2) / 2) - middle))

    return min(faces, key=distance, default=None)


def photo_vector(pack: Path, photo: Path) -> Vectors:
    """(1, D)"""
    image = decode(photo.read_bytes())
    (faces,) = pipeline(pack).analyse([image])
    face = central(image, faces)
    return np.zeros((1, pipeline(pack).dimension), np.float32) if face is None else face.vector[None]


def photos(folder: Path) -> list[list[Path]]:
    """Those of each person."""
    people = [
        sorted(file for file in person.iterdir() if file.suffix.lower() in PICTURES) for person in folder.iterdir()
    ]
    return sorted(photos for photos in people if photos)


def pairs(data: Path) -> tuple[list[tuple[Path, Path]], NDArray[np.bool_]]:
    """The paths, and whether they show the same person."""
    rows = [line.split("\t") for line in (data / "pairs.tsv").read_text(encoding="utf-8").splitlines() if line]
    return [(data / first, data / second) for first, second, _ in rows], np.array([row[2] == "1" for row in rows])


def embed(
    pack: Path, files: Sequence[Path], kept_in: Path | None, one: Embed = photo_vector, what: str = "photos"
) -> list[Vectors]:
    """What `one` makes of every file: (K, D) vectors. `what`: the name under which they are kept."""
    kept = kept_in / f"{what}-{_digest(pack, files)}.npz" if kept_in else None
    if kept and kept.exists():
        with np.load(kept, allow_pickle=False) as arrays:
            return np.split(arrays["vectors"], arrays["ends"][:-1])
    print(f"Embedding {what} of {len(files)} files with {open_pack(pack).id}", flush=True)
    started = time.perf_counter()
    vectors = []
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        for found in processes.map(one, [pack] * len(files), files, chunksize=8):
            vectors.append(found)
            if len(vectors) % 500 == 0:
                print(f"  {len(vectors)} of {len(files)}", flush=True)
    faceless = sum(int((~found.any(axis=1)).sum()) for found in vectors)
    print(f"  in {time.perf_counter() - started:.0f} s; no face found in {faceless} of them")
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, vectors=np.concatenate(vectors), ends=np.cumsum([len(found) for found in vectors]))
    return vectors


def embedded(pack: Path, people: Sequence[Sequence[Path]], kept_in: Path | None) -> Embedded:
    """The photos of people."""
    counts = [len(group) for group in people]
    return Embedded(
        np.concatenate(embed(pack, [photo for group in people for photo in group], kept_in)),
        np.repeat(np.arange(len(people)), counts),
        np.concatenate([np.arange(count) for count in counts]),
    )


def parser(module: str, description: str) -> argparse.ArgumentParser:
    """With the options that all benches on a corpus have."""
    made = argparse.ArgumentParser(prog=f"python -m bench.{module}", description=description)
    made.add_argument("--data", type=Path, required=True, help="folder with people/, strangers/ and pairs.tsv")
    made.add_argument("--pack", type=Path, default=PACK, help="folder of a built pack")
    made.add_argument("--keep", type=Path, metavar="FOLDER", help="where to keep vectors for the next run")
    return made


def _digest(pack: Path, files: Sequence[Path]) -> str:
    names = "\n".join([open_pack(pack).id, *(str(file.resolve()) for file in files)])
    return hashlib.sha256(names.encode()).hexdigest()[:16]

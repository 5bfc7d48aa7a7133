"""Vectors of strangers, with which thresholds are calibrated."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from recognition.engine.embedder import unit
from recognition.engine.errors import ImageError
from recognition.engine.faces import Image, Vectors
from recognition.engine.images import decode
from recognition.engine.packs import Pack
from recognition.engine.pipeline import Pipeline

FILE = "cohort.npy"
FEWEST = 30


def embed(pack: Pack, folder: Path) -> Vectors:
    """A unit vector (M, D) for each person: a photo in `folder`, or a subfolder of photos.

    Of each photo the largest face is taken. Raises ValueError when fewer than 30 people are left, or OSError.
    """
    pipeline = Pipeline(pack)
    people = sorted(folder.iterdir())
    vectors = []
    for done, person in enumerate(people, start=1):
        images = _images(sorted(person.iterdir()) if person.is_dir() else [person])
        found = [face.vector for image in images for face in pipeline.analyse([image], max_faces=1)[0]]
        if found:
            vectors.append(np.sum(found, axis=0))
        if done % 50 == 0 or done == len(people):
            print(f"  {done} of {len(people)} strangers, {len(vectors)} of them with a face", flush=True)
    if len(vectors) < FEWEST:
        raise ValueError(f"{folder} shows {len(vectors)} people; a cohort needs {FEWEST} or more")
    return unit(np.stack(vectors))


def _images(photos: Sequence[Path]) -> Iterator[Image]:
    for photo in photos:
        try:
            yield decode(photo.read_bytes())
        except ImageError as error:
            print(f"  {photo} is left out: {error}", file=sys.stderr)

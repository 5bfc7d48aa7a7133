"""Tells how well an operator's own photos are recognised. Reads a folder, and writes nothing anywhere."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.conf import settings

from people.enrolment import Verdict, look_at
from people.models import Photo
from recognition.engine import mixups
from recognition.engine.classifier import LinearClassifier
from recognition.engine.evaluation import Probes, ask
from recognition.engine.faces import Vector, Vectors
from recognition.engine.fitting import fit
from recognition.engine.mixups import Mixups
from recognition.engine.packs import Pack
from recognition.engine.pipeline import Pipeline

ENROLLED_PHOTOS = 3

Folders = dict[str, list[Path]]
Faces = dict[str, list[Vector]]


class EvaluationError(Exception):
    """The folder does not hold what is needed; the text says what."""


@dataclass(frozen=True)
class Evaluation:
    """What was found. refusals: photos that enrolment would refuse, by reason; they were not used.

    enrolled: people the classifier knows; probes: what it said about their other photos, and about the strangers.
    mixups: of all photos of the enrolled people.
    """

    photos: int
    refusals: Mapping[str, int]
    enrolled: int
    strangers: int
    classifier: LinearClassifier
    probes: Probes
    mixups: Mixups


def evaluate(folder: Path, engine: Pipeline, progress: Callable[[int, int], None]) -> Evaluation:
    """Enrols people on up to three photos each, and asks about their other photos and about strangers.

    `folder` holds people/NAME/photo and strangers/NAME/photo; or NAME/photo alone, of which every second person then is
    a stranger. `progress` is told how many photos of how many are done.

    Raises:
        EvaluationError: there are not enough people or photos.
        OSError: a photo cannot be read.
    """
    if not folder.is_dir():
        raise EvaluationError(f"There is no folder {folder}.")
    people, strangers = find_photos(folder)
    faces, refusals = _embed([*people.values(), *strangers.values()], engine, progress)
    known, unknown = _usable(people, faces), _usable(strangers, faces)
    if not any(len(vectors) > 1 for vectors in known.values()):
        raise EvaluationError(f"{folder} shows nobody in two usable photos or more: one to enrol and one to ask about.")
    if not unknown:
        raise EvaluationError(f"{folder} shows no strangers, without whom false alarms cannot be counted.")
    classifier, probes = _ask(known, unknown, engine.pack)
    return Evaluation(
        photos=sum(map(len, [*people.values(), *strangers.values()])),
        refusals=refusals,
        enrolled=len(known),
        strangers=len(unknown),
        classifier=classifier,
        probes=probes,
        mixups=mixups.find(*_stacked(known), pack=engine.pack),
    )


def find_photos(folder: Path) -> tuple[Folders, Folders]:
    """Photos of people and of strangers, by name."""
    if (folder / "people").is_dir():
        people, strangers = _photos(folder / "people"), _photos(folder / "strangers")
    else:
        people, strangers = _photos(folder), {}
    if strangers:
        return people, strangers
    names = sorted(people)
    return {name: people[name] for name in names[::2]}, {name: people[name] for name in names[1::2]}


def _photos(folder: Path) -> Folders:
    if not folder.is_dir():
        return {}
    return {
        person.name: sorted(path for path in person.iterdir() if path.is_file() and not path.name.startswith("."))
        for person in sorted(folder.iterdir())
        if person.is_dir()
    }


def _embed(
    groups: Iterable[Sequence[Path]], engine: Pipeline, progress: Callable[[int, int], None]
) -> tuple[dict[Path, Vector], Counter[str]]:
    """The vector of each photo that enrolment would accept, and why it would refuse the others."""
    paths = [path for group in groups for path in group]
    vectors, refusals = {}, Counter()

    def look(path: Path) -> Verdict:
        return look_at(path.read_bytes(), engine)[1]

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for done, (path, verdict) in enumerate(zip(paths, threads.map(look, paths), strict=True), start=1):
            if verdict.refusal:
                refusals[Photo.Refusal(verdict.refusal).label] += 1
            else:
                vectors[path] = verdict.face.vector
            if done % 100 == 0 or done == len(paths):
                progress(done, len(paths))
    return vectors, refusals


def _usable(folders: Folders, vectors: Mapping[Path, Vector]) -> Faces:
    found = {name: [vectors[path] for path in paths if path in vectors] for name, paths in folders.items()}
    return {name: faces for name, faces in found.items() if faces}


def _ask(known: Faces, unknown: Faces, pack: Pack) -> tuple[LinearClassifier, Probes]:
    enrolled, asked = {}, {}
    for name, faces in known.items():
        # One photo at least is left to ask about, unless there is only one.
        count = min(ENROLLED_PHOTOS, max(1, len(faces) - 1))
        enrolled[name], asked[name] = faces[:count], faces[count:]
    vectors, labels = _stacked(enrolled)
    rate = settings.FALSE_ALARM_RATE
    classifier = fit(settings.CLASSIFIER, vectors, labels, false_alarm_rate=rate, pack=pack)
    return classifier, ask(classifier, *_stacked(asked), *_stacked(unknown))


def _stacked(faces: Faces) -> tuple[Vectors, list[str]]:
    """All vectors (N, D), and the name that belongs to each."""
    names = [name for name, vectors in faces.items() for _ in vectors]
    return np.stack([vector for vectors in faces.values() for vector in vectors]), names

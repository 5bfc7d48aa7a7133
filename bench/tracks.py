"""How well tracks are named: `python -m bench.tracks --data FOLDER`.

Everyone in `people` is enrolled on the first three photos by name. A track is made of the person's other photos in
turn, each worsened anew as an edge node's crops are (bench/edgecrops.py says how much); a stranger's of the only photo
there is. For tracks of 1, 2, 3, 5 and 10 crops: share of people's tracks that pass the threshold which 1 % of
strangers' tracks pass, with the right name; the same for people of whom there are two other photos or more, and so
many that every crop shows another one; and what happens at the model's own threshold for 1 %.

Standard errors are of people and strangers drawn at random. The last line is JSON.
"""

import json
import sys
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.corpus import ENROLLED_PHOTOS, central, embed, embedded, parser, photos, pipeline
from bench.edgecrops import sent_crop
from recognition.engine.classifier import LinearClassifier
from recognition.engine.embedder import unit
from recognition.engine.errors import EngineError
from recognition.engine.evaluation import Measured, Probes, estimate, identification, threshold_at
from recognition.engine.faces import Vectors
from recognition.engine.fitting import KINDS, fit
from recognition.engine.images import decode
from recognition.engine.packs import open_pack

CROPS = (1, 2, 3, 5, 10)
LONGEST = max(CROPS)
RATE = 0.01

Tracks = NDArray[np.float32]  # (people, LONGEST, D)


def crop_vectors(pack: Path, photo: Path, *, count: int) -> Vectors:
    """(count, D) of crops of a photo, zero where no face is found in one. Other crops of other photos, always the same
    of the same.
    """
    image = decode(photo.read_bytes())
    (faces,) = pipeline(pack).analyse([image])
    whole = central(image, faces)
    vectors = np.zeros((count, pipeline(pack).dimension), np.float32)
    random = np.random.default_rng(zlib.crc32(photo.name.encode()))
    for index in range(count if whole else 0):
        crop = decode(sent_crop(image, whole.face, random))
        (found,) = pipeline(pack).analyse([crop], crops=True)
        face = central(crop, found)
        if face is not None:
            vectors[index] = face.vector
    return vectors


def tracks(pack: Path, groups: Sequence[Sequence[Path]], kept_in: Path | None, what: str) -> Tracks:
    """For each group of photos LONGEST vectors, of one photo after the other, beginning anew after the last."""
    made = np.zeros((len(groups), LONGEST, open_pack(pack).dimension), np.float32)
    for size in sorted({min(len(group), LONGEST) for group in groups}):
        chosen = [index for index, group in enumerate(groups) if min(len(group), LONGEST) == size]
        each = -(-LONGEST // size)
        files = [photo for index in chosen for photo in groups[index][:size]]
        vectors = embed(pack, files, kept_in, partial(crop_vectors, count=each), what=f"{each} {what}")
        in_turn = np.stack(vectors).reshape(len(chosen), size, each, -1).transpose(0, 2, 1, 3)
        made[chosen] = in_turn.reshape(len(chosen), size * each, -1)[:, :LONGEST]
    return made


def probes_of(classifier: LinearClassifier, people: Tracks, labels: Sequence[str], strangers: Tracks) -> Probes:
    """What is said about whole tracks (people, crops, D)."""
    nearest, scores = classifier.score(unit(people.sum(axis=1)))
    return Probes(
        person=np.arange(len(people)),
        right=np.array(classifier.labels)[nearest] == np.array(labels),
        scores=scores,
        stranger=np.arange(len(strangers)),
        stranger_scores=classifier.score(unit(strangers.sum(axis=1)))[1],
    )


def report(
    classifier: LinearClassifier, people: Tracks, photo_counts: NDArray[np.intp], strangers: Tracks
) -> dict[str, float]:
    """Prints a line for each length of tracks; returns the figures of the last line."""
    figures: dict[str, float] = {}
    print(
        "crops  named at 1 % false alarms: all  with two other photos  as many as crops  own threshold: alarms, named"
    )
    labels = np.array([str(index) for index in range(len(people))])
    for count in CROPS:
        probes = probes_of(classifier, people[:, :count], labels.tolist(), strangers[:, :count])
        named = estimate(partial(identification, false_alarm_rate=RATE), probes)
        threshold = float(classifier.calibration.thresholds(np.array([count]))[0])
        alarms = estimate(lambda drawn, limit=threshold: float(np.mean(drawn.stranger_scores >= limit)), probes)
        own = estimate(lambda drawn, limit=threshold: float(np.mean(drawn.right & (drawn.scores >= limit))), probes)
        two, several = (varied(probes, photo_counts >= photos_each) for photos_each in (2, count))
        print(f"{count:5}  {named}  {two or 'nobody'}  {several or 'nobody'}  {alarms}, {own}")
        figures |= {f"named_{count}": named.rate, f"alarms_{count}": alarms.rate, f"own_named_{count}": own.rate}
        figures |= {f"named_{count}_two_photos": two.rate} if two else {}
        figures |= {f"named_{count}_varied": several.rate} if several else {}
    return figures


def varied(probes: Probes, chosen: NDArray[np.bool_]) -> Measured | None:
    """Share of the chosen people's tracks that are named rightly at 1 % of all strangers' tracks."""
    if not chosen.any():
        return None
    named = (probes.right & (probes.scores > threshold_at(probes, RATE)))[chosen]
    rate = float(named.mean())
    return Measured(rate, float(np.sqrt(rate * (1 - rate) / named.size)))


def measure(data: Path, pack: Path, kind: str, kept_in: Path | None) -> dict[str, float]:
    """The figures that the last line tells."""
    groups = [group for group in photos(data / "people") if len(group) > ENROLLED_PHOTOS]
    enrolled = embedded(pack, [group[:ENROLLED_PHOTOS] for group in groups], kept_in)
    labels = enrolled.owners.astype(str).tolist()
    classifier = fit(kind, enrolled.vectors, labels, false_alarm_rate=RATE, pack=open_pack(pack))
    others = [group[ENROLLED_PHOTOS:] for group in groups]
    of_people = tracks(pack, others, kept_in, "crops each")
    of_strangers = tracks(pack, photos(data / "strangers"), kept_in, "crops each")
    figures = report(classifier, of_people, np.array([len(group) for group in others]), of_strangers)
    return {name: round(value, 5) for name, value in figures.items()}


def main(arguments: list[str]) -> int:
    options = parser("tracks", "How well tracks are named.")
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

"""What a face crop must weigh to be recognised: `python -m bench.codecs --data FOLDER`.

People are enrolled on their first photos by name, uncompressed and whole. Probes are other photos of theirs and one
photo of each stranger, cut out as an edge node does (edge_client.codec.crop), at several sizes, in every format at
several qualities. For each combination: mean bytes of a crop, the share of people's probes that pass a threshold with
the right name, the share of strangers' that pass it, and how near the vector is to that of the uncompressed crop (mean
cosine), which tells small differences where the others are noisy. The threshold is the same for all: 1 % of strangers'
uncompressed crops pass it.

The knee is the lightest combination that names at most 1.5 percent fewer than the best uncompressed crops.
The last line is JSON.
"""

import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.corpus import ENROLLED_PHOTOS, central, embedded, parser, photos, pipeline
from edge_client.codec import crop
from recognition.engine.classifier import LinearClassifier
from recognition.engine.errors import EngineError
from recognition.engine.evaluation import ask, threshold_at
from recognition.engine.faces import Image, Vectors
from recognition.engine.fitting import KINDS, fit
from recognition.engine.images import decode
from recognition.engine.packs import open_pack

SIDES = (96, 112, 128, 160)  # pixels
# Suffix, the setting for quality and its values, further settings. PNG is the uncompressed crop.
WRITERS = {
    "none": (".png", cv2.IMWRITE_PNG_COMPRESSION, (0,), ()),
    "jpeg": (".jpg", cv2.IMWRITE_JPEG_QUALITY, (40, 60, 85), (cv2.IMWRITE_JPEG_OPTIMIZE, 1)),
    "webp": (".webp", cv2.IMWRITE_WEBP_QUALITY, (60, 80, 90), ()),
    "avif": (".avif", cv2.IMWRITE_AVIF_QUALITY, (45, 60, 75), (cv2.IMWRITE_AVIF_SPEED, 6)),
}
PROBES_EACH = 2
RATE = 0.01
TOLERATED_LOSS = 0.015


@dataclass(frozen=True)
class Variant:
    """One way to write a crop. `quality`: as the format counts it."""

    side: int
    codec: str
    quality: int

    def write(self, image: Image) -> bytes:
        suffix, setting, _, others = WRITERS[self.codec]
        parameters = [setting, self.quality, *others]
        return cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), parameters)[1].tobytes()


VARIANTS = [
    Variant(side, codec, quality)
    for side in SIDES
    for codec, (suffix, _, qualities, _) in WRITERS.items()
    if cv2.haveImageWriter(suffix)
    for quality in qualities
]
BEST = Variant(max(SIDES), "none", 0)


@dataclass(frozen=True, eq=False)
class Crops:
    """Of each photo and variant: vectors (N, V, D), zero where no face was found, and bytes (N, V)."""

    vectors: Vectors
    sizes: NDArray[np.int64]


def crops_of_photo(pack: Path, photo: Path) -> tuple[Vectors, list[int]]:
    """(V, D) and bytes of each variant of the face in the middle; no face: zeros."""
    vectors = np.zeros((len(VARIANTS), pipeline(pack).dimension), np.float32)
    image = decode(photo.read_bytes())
    (faces,) = pipeline(pack).analyse([image])
    whole = central(image, faces)
    if whole is None:
        return vectors, [0] * len(VARIANTS)
    files = [variant.write(crop(image, whole.face.box, max_side=variant.side)) for variant in VARIANTS]
    pictures = [decode(file) for file in files]
    for row, (picture, found) in enumerate(zip(pictures, pipeline(pack).analyse(pictures, crops=True), strict=True)):
        face = central(picture, found)
        if face is not None:
            vectors[row] = face.vector
    return vectors, [len(file) for file in files]


def crops_of(pack: Path, files: Sequence[Path]) -> Crops:
    """Zeros where no face is found in the photo: such are left out of means."""
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        made = list(processes.map(partial(crops_of_photo, pack), files, chunksize=8))
    return Crops(np.stack([vectors for vectors, _ in made]), np.array([sizes for _, sizes in made]))


def judge(classifier: LinearClassifier, people: Crops, names: Sequence[str], strangers: Crops) -> list[dict]:
    """A row for each variant."""
    reference = VARIANTS.index(BEST)
    weights = np.concatenate([people.sizes, strangers.sizes])
    vectors = np.concatenate([people.vectors, strangers.vectors])
    seen = weights[:, reference] > 0
    strange = [str(number) for number in range(len(strangers.vectors))]
    asked = [
        ask(classifier, people.vectors[:, column], list(names), strangers.vectors[:, column], strange)
        for column in range(len(VARIANTS))
    ]
    # One threshold for all, as in service: what arrives there is not known to the model either.
    threshold = threshold_at(asked[reference], RATE)
    rows = []
    for column, (variant, probes) in enumerate(zip(VARIANTS, asked, strict=True)):
        cosines = np.einsum("nd,nd->n", vectors[seen, column], vectors[seen, reference])
        figures = {
            "bytes": round(float(weights[seen, column].mean())),
            "named": round(float(np.mean(probes.right & (probes.scores > threshold))), 4),
            "alarms": round(float(np.mean(probes.stranger_scores > threshold)), 4),
            "cosine": round(float(cosines.mean()), 4),
        }
        rows.append(asdict(variant) | figures)
        print("  ".join(f"{name} {value}" for name, value in rows[-1].items()))
    return rows


def knee(rows: Sequence[dict]) -> dict:
    """The lightest of those that lose next to nothing."""
    best = max(row["named"] for row in rows if row["codec"] == "none")
    return min((row for row in rows if row["named"] >= best - TOLERATED_LOSS), key=lambda row: row["bytes"])


def measure(data: Path, pack: Path, kept_in: Path | None, people: int, strangers: int) -> dict[str, object]:
    """What the last line tells."""
    groups = [group for group in photos(data / "people") if len(group) > ENROLLED_PHOTOS][:people]
    enrolled = embedded(pack, [group[:ENROLLED_PHOTOS] for group in groups], kept_in)
    known = enrolled.vectors.any(axis=1)
    labels = enrolled.owners[known].astype(str).tolist()
    classifier = fit(KINDS[0], enrolled.vectors[known], labels, false_alarm_rate=RATE, pack=open_pack(pack))
    asked = [(str(who), photo) for who, group in enumerate(groups) for photo in group[ENROLLED_PHOTOS:][:PROBES_EACH]]
    unknown = [photo for group in photos(data / "strangers")[:strangers] for photo in group[:1]]
    probes, others = (crops_of(pack, files) for files in ([photo for _, photo in asked], unknown))
    rows = judge(classifier, probes, [who for who, _ in asked], others)
    counts = {"people": len(groups), "probes": len(asked), "strangers": len(unknown), "pack": open_pack(pack).id}
    return counts | {"knee": knee(rows), "variants": rows}


def main(arguments: list[str]) -> int:
    options = parser("codecs", "What a face crop must weigh to be recognised.")
    options.add_argument("--people", type=int, default=300, help="enrolled (%(default)s)")
    options.add_argument("--strangers", type=int, default=600, help="who must stay unknown (%(default)s)")
    chosen = options.parse_args(arguments)
    try:
        results = measure(chosen.data, chosen.pack, chosen.keep, chosen.people, chosen.strangers)
    except (EngineError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

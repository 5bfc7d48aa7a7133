"""How many faces a pack's detector finds, and how fast: `python -m bench.detectors --data FOLDER PACK…`.

FOLDER holds NAME/photo.jpg; the first photo of each person is taken, then the second of each, up to the number asked
for. Found is a face whose box covers the middle of the photo. Crops are cut around that face as an edge node cuts them;
there any face counts. Times are of one core, with the pack's networks on one thread. The last line is JSON.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2

from bench.engine import choose, cut
from bench.recognition import middle_box
from recognition.engine.detector import open_detector
from recognition.engine.errors import EngineError
from recognition.engine.faces import Face, Image
from recognition.engine.images import decode
from recognition.engine.packs import open_pack


def search(pack: Path, images: Sequence[Image], *, crop: bool) -> tuple[list[list[Face]], float]:
    """The faces of each image, and milliseconds per image."""
    detector = open_detector(open_pack(pack))
    detector.detect(images[:5], crops=crop)
    started = time.perf_counter()
    found = [detector.detect([image], crops=crop)[0] for image in images]
    return found, 1000 * (time.perf_counter() - started) / len(images)


def compare(photos: Sequence[bytes], packs: Sequence[Path]) -> dict[str, dict[str, float]]:
    """The crops are those around the faces that the first pack finds."""
    images, crops, results = [decode(photo) for photo in photos], [], {}
    for pack in packs:
        found, photo_ms = search(pack, images, crop=False)
        middles = [
            middle_box([face.box for face in faces], image.shape[1], image.shape[0])
            for faces, image in zip(found, images, strict=True)
        ]
        crops = crops or [decode(cut(photo, box)) for photo, box in zip(photos, middles, strict=True) if box]
        in_crops, crop_ms = search(pack, crops, crop=True)
        results[pack.name] = {
            "photo_recall": sum(box is not None for box in middles) / len(images),
            "crop_recall": sum(map(bool, in_crops)) / len(crops),
            "photo_ms": round(photo_ms, 2),
            "crop_ms": round(crop_ms, 2),
        }
        print(f"{pack.name:24} {results[pack.name]}", flush=True)
    return results


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.detectors", description="How well and fast faces are found.")
    parser.add_argument("packs", nargs="+", type=Path, help="folders of built packs")
    parser.add_argument("--data", type=Path, required=True, help="folder of people: NAME/photo.jpg")
    parser.add_argument("--photos", type=int, default=300, help="how many of them (%(default)s)")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        results = compare([path.read_bytes() for path in choose(options.data, options.photos)], options.packs)
    except (EngineError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How much memory a process that names faces takes: `python -m bench.memory --data FOLDER`.

FOLDER holds `<Name>/photo.jpg`. Batches of mixed photos (JPEG, PNG, WebP, AVIF; one in a hundred of 6 megapixels) and
of crops take turns. The last line of the output is JSON: mebibytes after so many images. Linux only.
"""

import argparse
import json
import resource
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np

from bench.engine import BATCH, PACK, Box, Clock, Engine, choose, cut
from recognition.engine.errors import EngineError
from recognition.engine.images import decode, inspect

CHECKPOINTS = (100, 1000, 2500, 5000, 10_000)
_LARGE_EVERY = 100
_LARGE_SIDE = 2500  # pixels
_FORMATS = (".png", ".webp", ".avif")


def memory_curve(pack: Path, photos: Sequence[bytes], crops: Sequence[bytes]) -> dict[int, float]:
    """Mebibytes that this process holds after each count of images."""
    engines = cycle([(Engine(pack, crops=False), mixed(photos)), (Engine(pack, crops=True), cycle(crops))])
    curve: dict[int, float] = {}
    for done, (engine, images) in zip(range(BATCH, CHECKPOINTS[-1] + 2 * BATCH, BATCH), engines, strict=False):
        engine.boxes(list(islice(images, BATCH)), Clock())
        for count in CHECKPOINTS:
            if count <= done and count not in curve:
                curve[count] = round(_resident_mb(), 1)
                print(f"{count:6} images: {curve[count]:.0f} MB", flush=True)
    return curve


def mixed(photos: Sequence[bytes]) -> Iterator[bytes]:
    """The photos again and again, a part of them as PNG, WebP and AVIF, and now and then one as a large JPEG."""
    some = [decode(photo) for photo in photos[:30]]
    kinds = [*photos, *(_encoded(image, suffix) for image in some for suffix in _FORMATS)]
    large = _encoded(cv2.resize(some[0], (_LARGE_SIDE, _LARGE_SIDE)), ".jpg")
    for number, image in enumerate(cycle(kinds), 1):
        yield large if number % _LARGE_EVERY == 0 else image


def _encoded(image: np.ndarray, suffix: str) -> bytes:
    return cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.memory", description="Memory of a process over time.")
    parser.add_argument("--data", type=Path, required=True, help="folder of people: NAME/photo.jpg")
    parser.add_argument("--photos", type=int, default=300, help="how many of them (%(default)s)")
    parser.add_argument("--pack", type=Path, default=PACK, help="folder of a built pack")
    options = parser.parse_args(arguments)
    try:
        photos = [path.read_bytes() for path in choose(options.data, options.photos)]
        curve = memory_curve(options.pack, photos, [cut(photo, _middle(photo)) for photo in photos])
    except (EngineError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(curve))
    return 0


def _middle(photo: bytes) -> Box:
    """About where these photos show the face."""
    size = inspect(photo)
    return 0.3 * size.width, 0.28 * size.height, 0.66 * size.width, 0.72 * size.height


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

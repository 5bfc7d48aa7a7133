"""What a batch takes of one worker process: `python -m bench.service CROPS_FOLDER`, in an installation's environment.

CROPS_FOLDER holds crops as edge nodes send them. Everything from claiming to recording, on tracks of four crops, in
processor time, which other work on the machine changes little. The last line is JSON: batch sizes and seconds.
"""

import json
import os
import sys
import time
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
django.setup()

from detections.ingest import Submission, accept, cameras_of  # noqa: E402 - models need Django set up
from detections.models import Camera, Crop, EdgeNode  # noqa: E402
from detections.processing import process_batch  # noqa: E402

SIZES = (1, 2, 4, 8, 16)
TIMES, WARM = 20, 2
TRACK = 4


def main(folder: Path) -> None:
    pictures = cycle([path.read_bytes() for path in sorted(folder.iterdir())])
    camera, key = Camera.objects.first().pk, EdgeNode.objects.get().keys.get()
    box = {"box": [412, 96, 498, 205], "frame_size": [1920, 1080]}
    found = []
    for turn in range(TIMES + WARM):
        for size in SIZES:
            tracks = [uuid4().hex for _ in range(0, size, TRACK)]
            crops = [
                Submission(uuid4(), camera, datetime.now(UTC), picture, tracks[index // TRACK], box)
                for index, picture in enumerate(islice(pictures, size))
            ]
            accept(crops, cameras_of(key).in_bulk())
            started = time.process_time()
            if process_batch() != size:
                raise RuntimeError("Somebody else took crops.")
            if turn >= WARM:
                found.append((size, round(time.process_time() - started, 5)))
    Crop.objects.all().delete()
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

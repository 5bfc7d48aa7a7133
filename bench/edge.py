"""What an edge node can carry: `python -m bench.edge --videos FOLDER`.

FOLDER holds station_entrance_1080p.mp4 (a busy entrance) and overhead_people_432p.mp4 (hardly ever a face). Measured,
as CPU time of one core:

- decode: reading a 1080p frame;
- detector: searching whole frames of several sizes;
- camera: all that follows decoding, at 6 frames/s of 1080p, for the busy entrance looped and for an empty scene (a
  still picture with a sensor's noise), with the motion gate and without. Cameras per core follow, without and with
  decoding;
- recall (`--recall VIDEO…`): what the gate misses of the faces that searching every whole frame finds;
- memory (`--minutes`): of a node that watches overhead_people over and over.

The last line is JSON.
"""

import argparse
import json
import os
import statistics
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.engine import PACK
from edge_client.camera import Camera
from edge_client.config import ModelFiles
from edge_client.detector import Face, FaceDetector
from edge_client.models import Networks
from edge_client.node import Node
from edge_client.server import Crop
from edge_client.settings import CHOICES, CameraConfig, CameraSettings
from edge_client.source import Frame, open_frames

FPS = 6
LOOPS = 4
EMPTY_FRAMES = 90
MOST_FRAMES = 120
SIZES = {"360p": (640, 360), "720p": (1280, 720), "1080p": (1920, 1080)}
BUSY, QUIET = "station_entrance_1080p.mp4", "overhead_people_432p.mp4"
NOISE = 3.0  # standard deviation of a sensor's noise in a dim room, levels
START = datetime(2026, 1, 1, tzinfo=UTC)
Image = NDArray[np.uint8]


class Sink:
    """An outbox that takes everything, and never knows a track: the camera's dearest case."""

    def submit(self, crop: Crop, taken_at: float | None = None, *, hurry: bool = True) -> None:
        pass

    def beat(self, camera: str, track: str, at: datetime) -> None:
        pass

    def settled(self, camera: str, track: str) -> bool:
        return False


class Recorder(FaceDetector):
    """A detector that remembers the faces of each frame."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.found: list[list[Face]] = []

    def _wanted(self, *arguments: Any) -> list[Face]:
        faces = super()._wanted(*arguments)
        self.found[-1] += faces
        return faces


def camera(networks: Networks, settings: CameraSettings) -> tuple[Camera, Recorder]:
    recorder = Recorder(networks.finder(settings.detector), settings)
    return Camera(CameraConfig(id="bench", source=0, settings=settings), recorder, Sink()), recorder


def watch(networks: Networks, settings: CameraSettings, images: Iterable[Image]) -> tuple[float, list[list[Face]]]:
    """Milliseconds of CPU per frame, the first left out, and the faces of each."""
    watched, recorder = camera(networks, settings)
    times = []
    for number, image in enumerate(images):
        recorder.found.append([])
        seconds = number / FPS
        frame = Frame(image, START + timedelta(seconds=seconds), seconds)
        started = time.process_time()
        watched.process(frame)
        times.append(time.process_time() - started)
    return 1000 * statistics.fmean(times[1:]), recorder.found


def images(path: Path, fps: float | None = FPS) -> list[Image]:
    return [frame.image for frame in open_frames(path, threading.Event(), target_fps=fps)]


def empty_scene(picture: Image, count: int) -> Iterator[Image]:
    random = np.random.default_rng(0)
    grains = [random.normal(0, NOISE, picture.shape).astype(np.float32) for _ in range(4)]
    for number in range(count):
        grain = np.roll(grains[number % 4], number * 7919)
        yield np.clip(picture + grain, 0, 255).astype(np.uint8)


def decoding(path: Path) -> float:
    """Milliseconds of CPU per frame."""
    started, frames = time.process_time(), 0
    for _ in open_frames(path, threading.Event()):
        frames += 1
    return 1000 * (time.process_time() - started) / frames


def searching(networks: Networks, settings: CameraSettings, picture: Image, repeats: int = 10) -> float:
    """Milliseconds of CPU per whole frame."""
    detector = FaceDetector(networks.finder(settings.detector), settings)
    detector.search(picture)
    started = time.process_time()
    for _ in range(repeats):
        detector.search(picture)
    return 1000 * (time.process_time() - started) / repeats


def covered(reference: Sequence[Sequence[Face]], gated: Sequence[Sequence[Face]]) -> tuple[int, int]:
    """How many of the reference's detections there are, and how many of them the other has in the same frame."""
    pairs = [(face, others) for faces, others in zip(reference, gated, strict=True) for face in faces]
    return len(pairs), sum(any(_same(face, other) for other in others) for face, others in pairs)


def _same(face: Face, other: Face) -> bool:
    x, y = (other.box[0] + other.box[2]) / 2, (other.box[1] + other.box[3]) / 2
    return face.box[0] <= x <= face.box[2] and face.box[1] <= y <= face.box[3]


def memory(networks: Networks, path: Path, minutes: float) -> list[float]:
    """Resident megabytes of this process, at ten moments, while a node watches a video over and over."""
    outbox = Sink()
    node = Node(
        outbox,
        lambda config: Camera(config, FaceDetector(networks.finder("mtcnn"), config.settings), outbox),
        patient=True,
    )
    node.watch([CameraConfig(id="bench", source=path, settings=CameraSettings(), realtime=True, loop=True)])
    stop = threading.Event()
    thread = threading.Thread(target=node.run, args=(stop,))
    thread.start()
    measured = []
    for _ in range(10):
        time.sleep(6 * minutes)
        measured.append(resident_mb())
    stop.set()
    thread.join()
    return measured


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def carried(networks: Networks, name: str, settings: CameraSettings, pictures: Sequence[Image]) -> dict[str, float]:
    gated, _ = watch(networks, settings, pictures)
    ungated, _ = watch(networks, replace(settings, motion=False), pictures[: len(pictures) // 2])
    print(f"{name:<8} {gated:6.2f} ms per frame with the gate, {ungated:6.2f} ms without")
    return {"ms": round(gated, 2), "ms_without_gate": round(ungated, 2), "cameras": round(1000 / FPS / gated, 1)}


def recall(networks: Networks, settings: CameraSettings, path: Path) -> float:
    pictures = images(path)[:MOST_FRAMES]
    _, reference = watch(networks, replace(settings, motion=False), pictures)
    _, gated = watch(networks, settings, pictures)
    total, found = covered(reference, gated)
    print(f"{path.name}: {found} of {total} detections")
    return round(found / total, 3) if total else 1.0


def main() -> None:
    options = parse()
    cv2.setNumThreads(1)
    networks = Networks({options.detector: ModelFiles(options.models)})
    settings = CameraSettings(detector=options.detector)
    result: dict[str, Any] = {"detector": options.detector}
    decode = result["decode_ms"] = round(decoding(options.videos / BUSY), 2)
    print(f"decoding {decode} ms per frame of 1080p")
    busy = images(options.videos / BUSY)
    for name, size in SIZES.items():
        spent = searching(networks, settings, cv2.resize(busy[0], size, interpolation=cv2.INTER_AREA))
        result[f"search_{name}_fps"] = round(1000 / spent, 1)
        print(f"searching whole frames of {name}: {1000 / spent:.1f} frames/s")
    still = cv2.resize(images(options.videos / QUIET, fps=0.01)[0], SIZES["1080p"])
    for name, pictures in {"busy": busy * LOOPS, "empty": list(empty_scene(still, EMPTY_FRAMES))}.items():
        result[name] = carried(networks, name, settings, pictures)
        result[name]["cameras_with_decoding"] = round(1000 / FPS / (result[name]["ms"] + decode), 1)
    result["recall"] = {path.name: recall(networks, settings, path) for path in options.recall}
    if options.minutes:
        result["memory_mb"] = [round(value, 1) for value in memory(networks, options.videos / QUIET, options.minutes)]
        print("memory, MB:", *result["memory_mb"])
    print(json.dumps(result))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.edge", description="What an edge node can carry.")
    parser.add_argument("--videos", type=Path, required=True, help="folder of the two videos")
    parser.add_argument("--detector", choices=CHOICES["detector"], default="mtcnn")
    parser.add_argument("--models", default=str(PACK), help="the detector's folder or file")
    parser.add_argument("--recall", type=Path, nargs="*", default=[], metavar="VIDEO", help="compare on these videos")
    parser.add_argument("--minutes", type=float, default=0.0, help="also watch a video for so long (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()

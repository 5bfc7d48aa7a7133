"""Check a node: disk, key, clock, link, detector and cameras, and say what to do where something fails.

It takes the options of `run`, and changes nothing on the server:

    python -m edge_client doctor --config edge.toml
"""

import argparse
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from edge_client import codec, config
from edge_client import options as shared
from edge_client.config import NodeConfig, SpoolConfig
from edge_client.detector import FaceDetector
from edge_client.drawnface import drawn_face
from edge_client.models import Networks
from edge_client.roster import roster
from edge_client.server import Crop, NodeSettings, RefusedError, Server, UnavailableError
from edge_client.settings import CameraConfig, CameraSettings, ConfigError, DetectorName, public_name
from edge_client.source import SourceError, open_frames

_TRIPS = 4
_TRIAL_CROPS = 8
_CLOCK_FINE, _CLOCK_BAD = 2.0, 60.0  # seconds
_SLOW_LINK = 2000  # bytes a second: half a crop
_FACE = 60  # pixels
_LOOK_FOR = 5.0  # seconds at each camera
_MOST_FRAMES = 100
_DARK = 30  # mean level


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `code`: the exit code of a failure, as `run` would end."""

    level: Level
    what: str
    text: str
    advice: str = ""
    code: int = 0

    def __str__(self) -> str:
        return f"{self.level:<5} {self.what}: {self.text}" + (f"\n      → {self.advice}" if self.advice else "")


def add_options(parser: argparse.ArgumentParser) -> None:
    shared.add_node_options(parser)


def run(options: argparse.Namespace) -> int:
    """The exit code of the first failure, 0 without one. Raises ConfigError."""
    node_config = config.from_options(options)
    code = 0
    for finding in examine(node_config):
        print(finding, flush=True)
        code = code or finding.code
    return code


def examine(node_config: NodeConfig) -> Iterator[Finding]:
    """Everything, cheapest first."""
    yield _disk(node_config.spool)
    server = Server(node_config.server, node_config.key)
    told: NodeSettings | None = None
    try:
        told = server.node()
    except RefusedError as error:
        yield Finding(Level.FAIL, "key", str(error), "make an edge key for this node in the server's admin", code=4)
    except UnavailableError as error:
        yield Finding(Level.FAIL, "server", str(error), "check the address, the network and the certificate", code=1)
    left_out: list[str] = []
    try:
        cameras = roster(node_config, told, left_out.append)
    except (RefusedError, ConfigError) as error:
        cameras = ()
        left_out.append(str(error))
    for reason in left_out:
        yield Finding(Level.FAIL, "cameras", reason, "compare the node's cameras with the server's admin", code=4)
    if told:
        yield from _link(server, told)
    networks = Networks(node_config.detectors, node_config.spool.path.parent / "models")
    for detector in sorted({camera.settings.detector for camera in cameras}):
        yield _detector(networks, detector)
    for camera in cameras:
        yield _camera(camera)


def _disk(spool: SpoolConfig) -> Finding:
    folder = spool.path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
            os.fsync(file.fileno())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        advice = "let the account that runs the node write there, or name another place (spool, --spool)"
        return Finding(Level.FAIL, "disk", f"cannot write to {folder}: {error.strerror}", advice, code=2)
    text = f"{folder} can be written, {free / 1e9:.1f} GB free"
    taken = spool.path.stat().st_size if spool.path.exists() else 0
    if free + taken < spool.max_bytes:
        return Finding(Level.WARN, "disk", text, f"make room: the spool may take {spool.max_bytes / 1e6:.0f} MB")
    return Finding(Level.OK, "disk", text)


def _link(server: Server, told: NodeSettings) -> Iterator[Finding]:
    """Key, clock and link, of a server that answers."""
    names = ", ".join(camera.id for camera in told.cameras)
    if names:
        yield Finding(Level.OK, "key", f"accepted for the node {told.name}, cameras: {names}")
    else:
        yield Finding(Level.FAIL, "key", f"the node {told.name} has no cameras", "add them in the admin", code=4)
    trips = [_timed(server.node) for _ in range(_TRIPS)]
    yield _clock(server.clock.offset or 0.0)
    if told.cameras:
        yield _speed(server, told.cameras[0].id, statistics.median(trips))


def _speed(server: Server, camera: str, trip: float) -> Finding:
    crops = [_trial(camera) for _ in range(_TRIAL_CROPS)]
    before = server.bytes_sent
    try:
        spent = _timed(lambda: server.store(crops, dry_run=True))
    except (UnavailableError, RefusedError) as error:
        return Finding(Level.FAIL, "link", str(error), "ask who runs the server", code=1)
    rate = (server.bytes_sent - before) / max(1e-3, spent - trip)
    text = f"{1000 * trip:.0f} ms there and back, at least {rate / 1000:.0f} kB/s up"
    if rate < _SLOW_LINK:
        return Finding(Level.WARN, "link", text, "a busy camera needs more: choose webp or avif, or a larger min_size")
    return Finding(Level.OK, "link", text)


def _clock(offset: float) -> Finding:
    """`offset`: seconds that the server's clock is ahead of the node's."""
    way = "behind" if offset > 0 else "ahead of"
    text = f"{abs(offset):.1f} s {way} the server's" if offset else "the same as the server's"
    if abs(offset) < _CLOCK_FINE:
        return Finding(Level.OK, "clock", text)
    how = "far off" if abs(offset) >= _CLOCK_BAD else "off"
    return Finding(Level.WARN, "clock", f"{how}, {text}", "crops are dated by the server's; still, switch NTP on")


def _timed(action: Callable[[], object]) -> float:
    """Seconds."""
    started = time.monotonic()
    action()
    return time.monotonic() - started


def _trial(camera: str) -> Crop:
    """A crop of the usual size that shows nothing."""
    noise = np.random.default_rng().integers(0, 256, (48, 48, 3), np.uint8)
    return Crop(camera=camera, captured_at=datetime.now(UTC), image=codec.encode(noise, "jpeg"), codec="jpeg")


def _detector(networks: Networks, name: DetectorName) -> Finding:
    what = f"detector {name}"
    try:
        detector = FaceDetector(networks.finder(name), CameraSettings(detector=name))
    except ConfigError as error:
        return Finding(Level.FAIL, what, str(error), "copy or download the files again", code=2)
    picture = drawn_face(_FACE * 2)
    faces = detector.search(picture)
    spent = _timed(lambda: detector.search(picture))
    if len(faces) != 1:
        advice = "these may not be the detector's own files: compare their checksums"
        return Finding(Level.WARN, what, f"loads, but sees {len(faces)} faces in a drawing of one", advice)
    return Finding(Level.OK, what, f"loads, and finds a drawn face in {1000 * spent:.0f} ms")


def _camera(camera: CameraConfig) -> Finding:
    what = f"camera {camera.id}"
    stop = threading.Event()
    timer = threading.Timer(_LOOK_FOR, stop.set)
    timer.start()
    moments: list[float] = []
    try:
        with closing(open_frames(camera.source, stop, realtime=camera.realtime)) as frames:
            for frame in islice(frames, _MOST_FRAMES):
                moments.append(frame.seconds)
                image = frame.image
    except SourceError as error:
        return Finding(Level.FAIL, what, str(error), "try the address in a video player on this machine", code=3)
    finally:
        timer.cancel()
        stop.set()
    if not moments:
        advice = "is the stream's codec one that OpenCV reads (H.264, H.265, MJPEG)?"
        return Finding(Level.FAIL, what, f"{public_name(camera.source)} opens, but gives no picture", advice, code=3)
    return _judge(what, camera, moments, image)


def _judge(what: str, camera: CameraConfig, moments: Sequence[float], image: NDArray[np.uint8]) -> Finding:
    """What the times of some frames (seconds) and the last of them (H, W, 3) tell."""
    height, width = image.shape[:2]
    fps = (len(moments) - 1) / max(1e-3, moments[-1] - moments[0])
    text = f"{width}x{height} at {fps:.0f} frames/s from {public_name(camera.source)}"
    wanted = camera.settings.target_fps
    if float(image.mean()) < _DARK:
        return Finding(Level.WARN, what, text, "the picture is dark: is the lens covered, is there light?")
    if wanted and fps < wanted * 0.9 and len(moments) > 1:
        return Finding(Level.WARN, what, text, f"fewer than the {wanted:g} frames/s that are to be analysed")
    return Finding(Level.OK, what, text)

"""What the edge node costs on the wire, beside the thesis's method: `python -m bench.bandwidth VIDEO… [--empty VIDEO]`.

Both send to one installation, which the bench starts (web server, workers, scheduler) on a data folder of its own, TLS
in front of it. Counted are all bytes of TCP payload in both directions, between sender and TLS.

- thesis: 6 frames a second; each face of at least 30 pixels is a JPEG file in a request (bench/thesis.py).
- ours: `edge_client run` with its defaults, in a process of its own; the video plays at its own pace, or as fast as it
  can be read (`--fast`: tracks are then over before the server has named them, so more is sent).

Who is in a video is found out from its own faces: the good crops of the thesis's method are clustered, and each cluster
is enrolled on half of them. `recall` is the share of people named for the thesis's method who are named for ours too.
`first_named_s` counts from the moment that a face is usable until our track has the name on the server: the median of
people, and the longest. Usable is a face from the first of two frames within a second of which the thesis's crops were
named: a single one is luck, and may be followed by many that are not. A visit is a track of ours. `overhead_pct` is
what is no image, without TLS handshakes, which cost `handshake_bytes` each.

`--empty`: a video without faces, played over and over; bytes per minute after the start. The last line is JSON.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from bench import thesis
from bench.recognition import PACK
from bench.scenes import Naming, Scene, Site, edge, enrol, play, site
from bench.thesis import MBPS_4
from bench.wire import Link, handshake_bytes
from edge_client.settings import ConfigError
from edge_client.source import SourceError
from recognition.engine.errors import EngineError

USABLE_WITHIN_S = 1.0
START_S = 30.0  # an empty scene is counted from here: half-way between two reports


@dataclass
class Tally:
    """What was counted, of one video or of several. Waits are seconds from when a person could be named."""

    seconds: float = 0.0
    thesis_bytes: int = 0
    thesis_crops: int = 0
    ours_bytes: int = 0
    ours_crops: int = 0
    ours_requests: int = 0
    image_bytes: int = 0
    handshakes: int = 0
    visits: int = 0
    people: int = 0
    named: int = 0
    waits: list[float] = field(default_factory=list)

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def report(self, handshake: int) -> dict[str, object]:
        """As the last line tells it."""
        video = MBPS_4 * self.seconds
        lasting = self.ours_bytes - self.handshakes * handshake
        return {
            "seconds": round(self.seconds, 1),
            "thesis_bytes": self.thesis_bytes,
            "ours_bytes": self.ours_bytes,
            "ratio": _share(self.thesis_bytes, self.ours_bytes, 1),
            "overhead_pct": _share(100 * (lasting - self.image_bytes), lasting, 1),
            "reduction_vs_4mbps_thesis": _share(video, self.thesis_bytes, 1),
            "reduction_vs_4mbps_ours": _share(video, self.ours_bytes, 1),
            "faces_per_minute": _share(60 * self.visits, self.seconds, 1),
            "visits": self.visits,
            "thesis_bytes_per_visit": _share(self.thesis_bytes, self.visits),
            "ours_bytes_per_visit": _share(self.ours_bytes, self.visits),
            "people": self.people,
            "recall": _share(self.named, self.people, 4),
            "first_named_s": round(statistics.median(self.waits), 2) if self.waits else None,
            "first_named_longest_s": round(max(self.waits), 2) if self.waits else None,
            "thesis_crops": self.thesis_crops,
            "ours_crops": self.ours_crops,
            "ours_requests": self.ours_requests,
            "ours_connections": self.handshakes,
        }


def _share(part: float, whole: float, digits: int | None = None) -> float | None:
    return round(part / whole, digits) if whole else None


def compare(at: Site, scene: Scene, pack: Path, options: Sequence[str]) -> Tally:
    """Both senders on one video."""
    with at.link() as line:
        thesis.send(
            line.url, at.keys[scene.thesis_camera], scene.thesis_camera, scene.found, at.certificate.certificate
        )
        tally = Tally(scene.seconds, line.bytes, len(scene.found))
    at.settle(scene.thesis_camera)
    seen_at = {one.id: one.seconds for one in scene.found}
    named_at: dict[str, list[float]] = defaultdict(list)
    for detection in at.listed("detections", scene.thesis_camera, known="true"):
        named_at[detection["face_id"]].append(seen_at[detection["crop"]])
    usable = {who: usable_from(moments) for who, moments in named_at.items()}
    naming = Naming(at, scene.edge_camera)
    naming.start()
    with at.link() as line:
        begun = play(at, scene, line.url, pack, *options)
        _count(tally, line)
    at.settle(scene.edge_camera)
    naming.stop()
    tally.visits = len(at.listed("tracks", scene.edge_camera))
    tally.people = len(usable)
    tally.named = len(usable.keys() & naming.at.keys())
    tally.waits = [max(0.0, naming.at[who] - begun - seconds) for who, seconds in usable.items() if who in naming.at]
    return tally


def usable_from(moments: Iterable[float]) -> float:
    """From when on somebody could be named for certain, seconds; `moments`: of the frames in which they were named."""
    ordered = sorted(moments)
    return next((one for one, after in pairwise(ordered) if 0 < after - one <= USABLE_WITHIN_S), ordered[0])


def _count(tally: Tally, line: Link) -> None:
    requests = line.requests()
    tally.ours_bytes, tally.handshakes = line.bytes, line.connections
    tally.ours_requests = len(requests)
    tally.ours_crops = sum(one.crops for one in requests)
    tally.image_bytes = sum(one.images for one in requests)


def empty(at: Site, scene: Scene, pack: Path, minutes: float) -> dict[str, float]:
    """Bytes that an empty scene costs."""
    with at.link() as line, edge(at, scene, line.url, pack, "--loop", "--realtime"):
        time.sleep(START_S)
        start = line.bytes
        time.sleep(60 * minutes)
        return {"empty_start_bytes": start, "empty_bytes_per_minute": round((line.bytes - start) / minutes)}


def measure(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """What the last line tells. Raises what bench.scenes raises."""
    videos = [*options.videos, *([options.empty] if options.empty else [])]
    scenes = [Scene.look(video, number, options.pack, options.seconds) for number, video in enumerate(videos)]
    watched = scenes[: len(options.videos)]
    cameras = [name for scene in scenes for name in (scene.thesis_camera, scene.edge_camera)]
    with site(folder, options.pack, cameras) as at:
        results: dict[str, object] = {"enrolled": enrol(at, watched, options.pack)}
        results["handshake_bytes"] = handshake = handshake_bytes(at.certificate, at.address)
        rows, total = {}, Tally()
        for scene in watched:
            tally = compare(at, scene, options.pack, [] if options.fast else ["--realtime"])
            rows[scene.video.name] = tally.report(handshake)
            print(scene.video.name, json.dumps(rows[scene.video.name]), flush=True)
            total += tally
        if options.empty:
            results |= empty(at, scenes[-1], options.pack, options.minutes)
    return results | total.report(handshake) | {"videos": rows}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.bandwidth", description="Bytes on the wire.")
    parser.add_argument("videos", type=Path, nargs="*", metavar="VIDEO")
    parser.add_argument("--seconds", type=float, default=math.inf, help="watch no more of each")
    parser.add_argument("--fast", action="store_true", help="play as fast as can be, not at the video's own pace")
    parser.add_argument("--empty", type=Path, metavar="VIDEO", help="one without faces")
    parser.add_argument("--minutes", type=float, default=3.0, help="of the empty scene (%(default)s)")
    parser.add_argument("--pack", type=Path, default=PACK, help="folder of a built pack")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="facesite-bench-") as folder:
            results = measure(options, Path(folder))
    except (EngineError, ConfigError, SourceError, OSError, RuntimeError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Videos before the edge node and before the thesis's method, at one installation."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import cv2

from bench import thesis
from bench.enrolment import Client
from bench.identities import identities
from bench.server import ROOT, installation
from bench.thesis import Sighting
from bench.wire import Address, Certificate, Link, link

POLL_S = 0.1
SETTLED_S = 3.0  # without a further detection: everything is recognised
START_S, EXIT_S = 1.0, 60.0


@dataclass(frozen=True, eq=False)
class Scene:
    """A video, how long it is watched, what the thesis's method finds in it, and its place among others."""

    video: Path
    number: int
    seconds: float
    is_cut: bool
    found: Sequence[Sighting]

    @classmethod
    def look(cls, video: Path, number: int, models: Path, longest: float) -> "Scene":
        """Raises SourceError."""
        found = list(thesis.sightings(video, models, longest))
        capture = cv2.VideoCapture(str(video))
        length = capture.get(cv2.CAP_PROP_FRAME_COUNT) / capture.get(cv2.CAP_PROP_FPS)
        return cls(video, number, min(length, longest), length > longest, found)

    @property
    def thesis_camera(self) -> str:
        return f"thesis-{self.number}"

    @property
    def edge_camera(self) -> str:
        return f"edge-{self.number}"


@dataclass(frozen=True)
class Site:
    """A running installation: whom to ask, where it is, a folder of its own, and the keys of its cameras."""

    url: str
    client: Client
    folder: Path
    certificate: Certificate
    keys: Mapping[str, str]

    @property
    def address(self) -> Address:
        parts = urlsplit(self.url)
        return parts.hostname, parts.port

    def link(self) -> Iterator[Link]:
        return link(self.address, self.certificate)

    def listed(self, what: str, camera: str, **filters: object) -> list[dict]:
        """All pages of `detections` or `tracks` of a camera."""
        answer = self.client.call("GET", what, params={"camera": camera, "page_size": 500} | filters).json()
        rows = answer["results"]
        while answer["next"]:
            answer = self.client.session.get(answer["next"], timeout=60).json()
            rows += answer["results"]
        return rows

    def settle(self, camera: str) -> None:
        """Wait until no more detections come."""
        count, since = -1, time.monotonic()
        while time.monotonic() - since < SETTLED_S:
            if (latest := len(self.listed("detections", camera))) != count:
                count, since = latest, time.monotonic()
            time.sleep(POLL_S)


@contextmanager
def site(folder: Path, pack: Path, cameras: Sequence[str]) -> Iterator[Site]:
    """Raises RuntimeError: it cannot be set up; TimeoutError: it does not start."""
    environment = os.environ | {
        "DATA_DIR": str(folder / "data"),
        "PACKS_DIR": str(pack.parent),
        "PACK": pack.name,
        "DJANGO_SETTINGS_MODULE": "facesite.settings",
    }
    command = [sys.executable, "-m", "bench.cameras", *cameras]
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    keys = json.loads(done.stdout.splitlines()[-1])
    certificate = Certificate.make(folder)
    with installation(environment) as url:
        yield Site(url, Client(url, keys["operator"]), folder, certificate, keys["cameras"])


def enrol(at: Site, scenes: Sequence[Scene], pack: Path) -> int:
    """Enrol the people of the videos, each on half of their good crops; returns how many."""
    people = 0
    for scene in scenes:
        for number, crops in enumerate(identities(pack, scene.found)):
            photos = [at.folder / f"{one.id}.jpg" for one in crops]
            for path, one in zip(photos, crops, strict=True):
                path.write_bytes(one.image)
            people += bool(at.client.add_person(f"{scene.number}-{number}", photos))
    at.client.train()
    return people


class Naming(threading.Thread):
    """Notes when each person is first named at a camera: `at`, seconds since the epoch."""

    def __init__(self, watched: Site, camera: str) -> None:
        super().__init__(daemon=True)
        self.at: dict[str, float] = {}
        self._site, self._camera, self._over = watched, camera, threading.Event()

    def run(self) -> None:
        while not self._over.wait(POLL_S):
            for track in self._site.listed("tracks", self._camera, known="true"):
                self.at.setdefault(track["face_id"], time.time())

    def stop(self) -> None:
        self._over.set()
        self.join()


@contextmanager
def edge(at: Site, scene: Scene, url: str, pack: Path, *options: str) -> Iterator[subprocess.Popen]:
    """The edge node at work on a video, told to stop at the end."""
    key_file = at.folder / f"{scene.edge_camera}.key"
    key_file.write_text(at.keys[scene.edge_camera])
    command = [
        *(sys.executable, "-m", "edge_client", "run", "--server", url, "--key-file", str(key_file)),
        *("--camera", scene.edge_camera, "--video-source", str(scene.video.resolve())),
        *("--spool", str(at.folder / f"{scene.edge_camera}.spool"), "--detector-models", str(pack.resolve()), *options),
    ]
    environment = os.environ | {"REQUESTS_CA_BUNDLE": str(at.certificate.certificate)}
    with _log(at, scene).open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(EXIT_S)


def play(at: Site, scene: Scene, url: str, pack: Path, *options: str) -> float:
    """Let the edge node watch a video; returns when it began, seconds since the epoch. Raises RuntimeError."""
    with edge(at, scene, url, pack, *options) as process, suppress(subprocess.TimeoutExpired):
        process.wait(scene.seconds + (START_S if scene.is_cut else EXIT_S))
    log = _log(at, scene).read_text()
    if process.returncode:
        raise RuntimeError(f"the edge node failed on {scene.video.name}: {log[-2000:]}")
    begun = re.search(rf"^(\S+ \S+) INFO camera {scene.edge_camera}:", log, re.MULTILINE)
    return datetime.strptime(begun[1], "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp()


def _log(at: Site, scene: Scene) -> Path:
    return at.folder / f"{scene.edge_camera}.log"

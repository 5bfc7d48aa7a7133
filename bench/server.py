"""The production web server on a data folder of its own, for as long as a measurement takes."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from honcho.environ import parse_procfile

ROOT = Path(__file__).resolve().parents[1]
READY_S = 60


def set_up(environment: dict[str, str], photos: Path, people: int) -> str:
    """Make the data folder DATA_DIR with people enrolled; returns an API key. Raises RuntimeError."""
    return set_up_with_node(environment, photos, people, cameras=0)[-1]


def set_up_with_node(environment: dict[str, str], photos: Path, people: int, cameras: int) -> list[str]:
    """The same, and an edge node: its key comes before.

    Raises:
        RuntimeError: it failed; the text says how.
    """
    command = [sys.executable, "-m", "bench.enrolled", str(photos), str(people), str(cameras)]
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.split()


@contextmanager
def web_server(environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """The Procfile's web process on a free port; yields its URL and process id when it is ready.

    Raises:
        TimeoutError: it is not ready in time.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        bind = f"127.0.0.1:{probe.getsockname()[1]}"
    with _process("web", environment | {"BIND": bind}) as server:
        until = time.monotonic() + READY_S
        while not _is_ready(f"http://{bind}"):
            if time.monotonic() > until or server.poll() is not None:
                raise TimeoutError("The web server did not start.")
            time.sleep(0.2)
        yield f"http://{bind}", server.pid


@contextmanager
def installation(environment: dict[str, str]) -> Iterator[str]:
    """The web server with worker and scheduler; yields its URL. Raises TimeoutError."""
    with web_server(environment) as (url, _), workers(environment):
        yield url


@contextmanager
def workers(environment: dict[str, str]) -> Iterator[None]:
    """Workers and scheduler."""
    with ExitStack() as stack:
        for name in ("worker", "maintenance", "scheduler"):
            stack.enter_context(_process(name, environment))
        yield


@contextmanager
def _process(name: str, environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    """One process of the Procfile."""
    command = parse_procfile((ROOT / "Procfile").read_text()).processes[name]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(command, shell=True, cwd=ROOT, env=environment | {"PATH": path})
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


def question(url: str, key: str, photo: bytes) -> bytes:
    """A request to `get-results`, as it goes over the wire."""
    made = requests.Request(
        "POST",
        f"{url}/api/v1/face-recognition/get-results",
        headers={"Authorization": f"Bearer {key}", "Host": urlsplit(url).netloc},
        files={"image": ("photo.jpg", photo, "image/jpeg")},
    ).prepare()
    lines = [f"POST {made.path_url} HTTP/1.1", *(f"{name}: {value}" for name, value in made.headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + made.body


def worker_mb(master: int) -> list[int]:
    """Resident memory of each of a server's processes; empty where the system does not tell."""
    children = Path(f"/proc/{master}/task/{master}/children")
    if not children.exists():
        return []
    statuses = (Path(f"/proc/{child}/status").read_text() for child in children.read_text().split())
    return [int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024 for status in statuses]

"""Private instances of the servers a deployment uses, on free ports, for as long as a test needs them."""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
import requests


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def postgres_bin() -> Path | None:
    """The folder of PostgreSQL's server programs, where Debian or PATH has them."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    folders += [Path(found).parent] if found else []
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@contextmanager
def private_postgres() -> Iterator[str]:
    """A PostgreSQL server; yields its DATABASE_URL."""
    programs, port = postgres_bin(), free_port()
    # initdb refuses to run as root.
    account = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    with tempfile.TemporaryDirectory(prefix="facesite-pg-") as folder:
        shutil.chown(folder, account)
        data = f"{folder}/data"
        run = {"user": account, "cwd": folder, "stdout": subprocess.DEVNULL}
        initdb = [programs / "initdb", "-D", data, "-U", "facesite", "-A", "trust", "-E", "UTF8"]
        subprocess.run(initdb, check=True, **run)
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"],
            stderr=subprocess.DEVNULL,
            **run,
        )
        ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        with _stopped_at_the_end(server):
            wait_until(lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL")
            yield f"postgres://facesite@127.0.0.1:{port}/postgres"


@contextmanager
def private_redis() -> Iterator[str]:
    """A Redis server that writes nothing; yields its BROKER_URL."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"

    def answers() -> bool:
        try:
            return redis.Redis.from_url(url).ping()
        except redis.ConnectionError:
            return False

    with _stopped_at_the_end(server):
        wait_until(answers, "Redis")
        yield url


@contextmanager
def private_s3() -> Iterator[str]:
    """An S3 server in memory with the bucket `facesite`; yields its STORAGE_URL. Any AWS_… credentials will do."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    endpoint = f"http://127.0.0.1:{port}"

    def bucket_made() -> bool:
        try:
            return requests.put(f"{endpoint}/facesite", timeout=2).ok
        except requests.ConnectionError:
            return False

    with _stopped_at_the_end(server):
        wait_until(bucket_made, "the S3 server")
        yield f"s3://facesite/site?endpoint_url={endpoint}&region_name=us-east-1"


def wait_until(condition: Callable[[], object], what: str, seconds: float = 30, every: float = 0.1) -> None:
    """Poll until the condition holds.

    Raises:
        TimeoutError: it did not in time.
    """
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(every)


@contextmanager
def _stopped_at_the_end(server: subprocess.Popen) -> Iterator[None]:
    try:
        yield
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()

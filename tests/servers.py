"""Private instances of the servers a deployment uses, on free ports, for as long as a test needs them."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import redis
import requests
from azure.core.exceptions import ServiceRequestError
from azure.storage.blob import BlobServiceClient

from tests.programs import Program

Server = TypeVar("Server", bound=Program)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def postgres_bin() -> Path | None:
    """The folder of PostgreSQL's server programs, where Debian or PATH has them."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    folders += [Path(found).parent] if found else []
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


class Postgres(Program):
    """A PostgreSQL server."""

    ending = signal.SIGINT  # it would wait for its clients otherwise

    def __init__(self, folder: Path) -> None:
        self._programs, self._port = postgres_bin(), free_port()
        self.url = f"postgres://facesite@127.0.0.1:{self._port}/postgres"
        # initdb refuses to run as root.
        account = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        shutil.chown(folder, account)
        data = folder / "data"
        initdb = [self._programs / "initdb", "-D", data, "-U", "facesite", "-A", "trust", "-E", "UTF8"]
        subprocess.run(initdb, check=True, user=account, cwd=folder, stdout=subprocess.DEVNULL)
        options = ["-p", self._port, "-k", folder, "-c", "listen_addresses=127.0.0.1"]
        command = [self._programs / "postgres", "-D", data, *options]
        super().__init__(command, log=folder / "log", cwd=folder, account=account)

    def start(self) -> None:
        super().start()
        ready = [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        wait_until(lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL")

    def stop_immediately(self) -> None:
        """As a crash: connections break, nothing is flushed, the next start recovers."""
        self.stop(by=signal.SIGQUIT)


class Redis(Program):
    """A Redis server that writes nothing: what it holds dies with it."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        options = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        super().__init__(["redis-server", *options], log=folder / "log", cwd=folder)

    def start(self) -> None:
        super().start()
        wait_until(self._answers, "Redis")

    @property
    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def _answers(self) -> bool:
        try:
            return self.client.ping()
        except redis.ConnectionError:
            return False


class ObjectStorage(Program):
    """An S3 server in memory with the bucket `facesite`. Any AWS_… credentials will do."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        self.url = f"s3://facesite/site?endpoint_url={self.endpoint}&region_name=us-east-1"
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]
        super().__init__(command, log=folder / "log", cwd=folder)

    def start(self) -> None:
        super().start()
        wait_until(self._bucket_made, "the S3 server")

    def _bucket_made(self) -> bool:
        try:
            return requests.put(f"{self.endpoint}/facesite", timeout=2).ok
        except requests.RequestException:
            return False


class BlobStorage(Program):
    """Azurite, Microsoft's emulator of Azure Blob Storage, with the container `facesite` and its well-known account."""

    ending = signal.SIGKILL  # it would wait for its clients otherwise
    account = "devstoreaccount1"
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}/{self.account}"
        self.url = f"azure://facesite/site?account_name={self.account}&account_url={self.endpoint}"
        options = [
            "--blobHost",
            "127.0.0.1",
            "--blobPort",
            port,
            "--location",
            folder,
            "--skipApiVersionCheck",
            "--silent",
        ]
        super().__init__(["azurite-blob", *options], log=folder / "log", cwd=folder)

    def start(self) -> None:
        super().start()
        key = {"account_name": self.account, "account_key": self.key}
        client = BlobServiceClient(self.endpoint, credential=key, retry_total=0)

        def has_container() -> bool:
            try:
                client.create_container("facesite")
            except ServiceRequestError:
                return False
            return True

        wait_until(has_container, "Azurite", seconds=120)  # Node.js takes its time on a busy machine


@contextmanager
def running(kind: type[Server]) -> Iterator[Server]:
    """A server of this kind, in a folder that goes with it."""
    with tempfile.TemporaryDirectory(prefix="facesite-") as folder:
        server = kind(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def private_postgres() -> Iterator[str]:
    """A PostgreSQL server; yields its DATABASE_URL."""
    with running(Postgres) as server:
        yield server.url


@contextmanager
def private_redis() -> Iterator[str]:
    """A Redis server; yields its BROKER_URL."""
    with running(Redis) as server:
        yield server.url


@contextmanager
def private_s3() -> Iterator[str]:
    """An S3 server; yields its STORAGE_URL."""
    with running(ObjectStorage) as server:
        yield server.url


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

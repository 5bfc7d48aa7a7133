"""A whole installation of real processes, each of which can be killed, frozen and started again."""

import fcntl
import os
import re
import shlex
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TypeVar

import dj_database_url
import requests
from django.conf import settings
from django.core.files.storage import Storage
from django.db import connections
from django.db.models import Model, QuerySet
from django.utils.module_loading import import_string
from honcho.environ import parse_procfile

from facesite import env
from recognition.signing import make_pair
from tests.faults.lengths import QUICK, bound
from tests.link import Link
from tests.programs import Program
from tests.servers import ObjectStorage, Postgres, Redis, free_port, wait_until

Row = TypeVar("Row", bound=Model)
QUEUES = ("recognition", "training", "maintenance")
EMBEDDED = "recognition,training"  # one worker for both


class Site:
    """`servers`: those it uses; without them it is embedded. `environment`: further settings.

    `workers`: by queue, as in a deployment; embedded, one for recognition and training. `storage_link`: between it and
    its object storage, to be cut.
    """

    def __init__(self, folder: Path, servers: Sequence[Program] = (), **environment: str) -> None:
        self.folder, self.servers = folder, servers
        self.storage_link: Link | None = None
        self._database = f"site {folder}"
        self._sqlite = folder / "facesite.sqlite3"
        # Deployed, only those who train have the private key; embedded, the site makes its own.
        private, public = make_pair()
        self.signing = {"MODEL_SIGNING_KEY": private} if servers else {}
        verifying = {"MODEL_VERIFY_KEYS": public} if servers else {}
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "facesite.settings",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DATA_DIR": str(folder),
            "PACKS_DIR": str(settings.PACKS_DIR),
            "DATABASE_URL": f"sqlite:///{self._sqlite}",
            "BROKER_URL": "filesystem://",
            "STORAGE_URL": f"file://{folder / 'storage'}",
            "BIND": f"127.0.0.1:{port}",
            "WEB_CONCURRENCY": "2",
            "WEB_THREADS": "16",
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            **verifying,
            **self._addresses(),
            **environment,
        }
        commands = parse_procfile((settings.BASE_DIR / "Procfile").read_text()).processes
        self.web = self.program("web", commands["web"])
        self.workers = {
            queues: self.program(
                f"worker-{queues}",
                _for_queues(in_a_hurry(commands["worker"]), queues),
                WORKER_CONCURRENCY="2" if "recognition" in queues else "1",
                **(self.signing if "training" in queues else {}),
            )
            for queues in (QUEUES[:2] if servers else (EMBEDDED,))
        }
        self.workers["maintenance"] = self.program("worker-maintenance", in_a_hurry(commands["maintenance"]))
        self.beat = self.program("beat", in_a_hurry(commands["scheduler"]))

    def prepare(self) -> None:
        """Database, cameras, a person enrolled and trained, an API key: once, while the servers run."""
        preparation = self.program("prepare", f"{sys.executable} -m tests.faults.prepare", **self.signing)
        preparation.start()
        code, printed = preparation.wait(bound(120)), preparation.log.read_text()
        assert code == 0, printed
        self.key = printed.split()[-1]
        self.know_database()

    def know_database(self) -> None:
        """The tests look at it with the ORM, under a name of its own."""
        config = env.database(dj_database_url.parse(self.environment["DATABASE_URL"]))
        connections.databases[self._database] = connections.databases["default"] | {"OPTIONS": {}} | config

    def start(self) -> None:
        """Whatever does not run; what is frozen goes on."""
        for program in (*self.servers, *self.programs):
            if program.is_alive:
                program.thaw()
            else:
                program.start()
        wait_until(self.is_ready, "the web server", bound(60))

    @contextmanager
    def running(self) -> Iterator[None]:
        """From nothing but its servers, and killed at the end."""
        try:
            self.prepare()
            self.start()
            yield
        finally:
            for program in self.programs:
                program.kill()
            if self._database in connections.databases:
                connections[self._database].close()

    @property
    def programs(self) -> list[Program]:
        return [self.web, *self.workers.values(), self.beat]

    @property
    def recognition(self) -> Program:
        """The worker that recognises."""
        return next(program for queues, program in self.workers.items() if "recognition" in queues)

    def freeze(self, program: Program) -> None:
        """Not while it writes into SQLite: nobody else could write then, and nothing would be accepted."""
        program.freeze()
        while not (self.servers or self._can_be_written()):
            program.thaw()
            time.sleep(0.05)
            program.freeze()

    def _can_be_written(self) -> bool:
        """Whether nobody has the turn to write, nor SQLite's own lock."""
        with Path(f"{self._sqlite}-turn").open("ab") as turn, closing(sqlite3.connect(self._sqlite, 1)) as database:
            with suppress(BlockingIOError, sqlite3.OperationalError):
                fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
                database.execute("BEGIN IMMEDIATE")
                return True
            return False

    def program(self, name: str, command: str, **environment: str) -> Program:
        """A process of the product, its log in the folder."""
        return Program(
            ["bash", "-c", f"exec {command.removeprefix('exec ')}"],
            log=self.folder / f"{name}.log",
            environment=self.environment | environment,
            cwd=settings.BASE_DIR,
        )

    def server(self, kind: type[Program]) -> Program:
        return next(server for server in self.servers if isinstance(server, kind))

    def is_ready(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=5).ok
        return False

    def rows(self, model: type[Row]) -> QuerySet[Row]:
        """Its rows, over a new connection: the last one may not have survived the fault."""
        connections[self._database].close()
        return model.objects.using(self._database)

    def run_task(self, module: str, function: str) -> None:
        """Call a function of the product in a process of the site's."""
        self.manage("shell", "-c", f"import {module}; {module}.{function}()")

    def manage(self, *arguments: str) -> None:
        """Run a command of `manage.py`."""
        program = self.program("task", shlex.join(["python", "manage.py", *arguments]), **self.signing)
        program.start()
        assert program.wait(bound(60)) == 0, program.log.read_text()

    @cached_property
    def storage(self) -> Storage:
        config = env.storage(self.environment["STORAGE_URL"])
        credentials = {"access_key": "test", "secret_key": "test"} if "bucket_name" in config["OPTIONS"] else {}
        return import_string(config["BACKEND"])(**config["OPTIONS"], **credentials)

    @property
    def files(self) -> set[str]:
        """Names of everything in its storage."""
        return set(_walk(self.storage, ""))

    @property
    def log(self) -> str:
        """What all its processes printed."""
        return "".join(program.log.read_text(errors="replace") for program in self.programs)

    def _addresses(self) -> Mapping[str, str]:
        names = {Postgres: "DATABASE_URL", Redis: "BROKER_URL", ObjectStorage: "STORAGE_URL"}
        return {names[type(server)]: server.url for server in self.servers}


def in_a_hurry(command: str) -> str:
    """Celery's command, for a quick test with short leases and frequent sweeps."""
    return re.sub(r"-A \S+", "-A tests.faults.hasty", command) if QUICK else command


def _for_queues(command: str, queues: str) -> str:
    return command.replace(EMBEDDED, queues) + f" --hostname {queues.replace(',', '-')}@%h"


def _walk(storage: Storage, folder: str) -> Iterator[str]:
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return iter(())
    return chain(
        (f"{folder}/{name}".lstrip("/") for name in files if name),
        *(_walk(storage, f"{folder}/{name}".lstrip("/")) for name in folders),
    )

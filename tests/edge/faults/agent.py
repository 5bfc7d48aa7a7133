"""The edge node as a process of its own, in a folder of its own, and what its log says of the crops it took."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from edge_client.config import KEY_VARIABLE
from tests.servers import wait_until

REPOSITORY = Path(__file__).resolve().parents[3]
_QUEUED = re.compile(r"queued crop (\S+),")
_REJECTED = re.compile(r"the server rejected crop (\S+):")


class Agent:
    """`cameras`: source by id. `models_at`: of further detectors. `loop`: play files again and again, in real time.

    The log and the spool outlast the process, so that it can be started again.
    """

    def __init__(self, folder: Path, models: Path, server: str, key: str) -> None:
        self.folder, self.server, self.models = folder, server, models
        self.spool = folder / "spool.sqlite3"
        self.key_file = folder / "edge.key"
        self.key_file.write_text(key)
        self.cameras: dict[str, object] = {}
        self.models_at: dict[str, str] = {}
        self.loop = True
        self.prefix: Sequence[str] = ()
        self.environment: dict[str, str] = {}
        self._log = folder / "log"
        self._log.touch()

    def start(self) -> None:
        config = self.folder / "edge.toml"
        config.write_text("\n".join(self._settings()))
        command = [*self.prefix, sys.executable, "-m", "edge_client", "run", "--verbose", "--config", str(config)]
        environment = {name: value for name, value in os.environ.items() if name != KEY_VARIABLE} | self.environment
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [*command, "--flush-seconds", "20"], cwd=REPOSITORY, env=environment, stderr=log
            )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watching, and killed at the end if it still runs."""
        self.start()
        try:
            yield
        finally:
            self.kill()

    def stop(self) -> int:
        """Ask it to end, with what it then does; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def wait_for(self, text: str, seconds: float = 30) -> None:
        """Until the log says so."""
        wait_until(lambda: self._alive_or_said(text), f"{text!r} in the log", seconds)

    def wait_for_crops(self, more: int = 1, seconds: float = 30) -> None:
        """Until it has taken so many more crops."""
        enough = len(self.taken) + more
        wait_until(lambda: len(self.taken) >= enough and self.is_alive, f"{more} more crops", seconds)

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def taken(self) -> set[str]:
        """Crops that were committed to the spool, or counted as dropped."""
        return set(_QUEUED.findall(self.log))

    @property
    def rejected(self) -> set[str]:
        return set(_REJECTED.findall(self.log))

    @property
    def waiting(self) -> set[str]:
        """Crops in the spool of an agent that does not run."""
        with closing(sqlite3.connect(self.spool)) as spool:
            return {name for (name,) in spool.execute("SELECT id FROM crop")}

    def assert_nothing_lost(self, stored: set[str]) -> None:
        """Each crop that was taken is on the server, rejected, or still in the spool."""
        assert self.taken, self.log
        assert self.taken <= stored | self.rejected | self.waiting, self.log

    def _alive_or_said(self, text: str) -> bool:
        said = text in self.log
        assert said or self.is_alive, self.log
        return said

    def _settings(self) -> Iterator[str]:
        # A JSON string is a TOML string.
        for name, value in {"server": self.server, "key_file": self.key_file, "spool": self.spool}.items():
            yield f"{name} = {json.dumps(str(value))}"
        yield "status_port = 0"
        yield f"[detectors.mtcnn]\nmodels = {json.dumps(str(self.models))}"
        for detector, place in self.models_at.items():
            yield f"[detectors.{detector}]\nmodels = {json.dumps(place)}\nsha256 = '{'0' * 64}'"
        for camera, source in self.cameras.items():
            yield f"[cameras.{camera}]\nsource = {json.dumps(str(source))}"
            if self.loop and isinstance(source, Path):
                yield "loop = true"

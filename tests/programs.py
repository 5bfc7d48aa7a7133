"""A program under test that can be started, stopped, killed and frozen again and again."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil


class Program:
    """One command line. What it prints is collected in `log`, over all its lives."""

    ending = signal.SIGTERM

    def __init__(
        self,
        command: Sequence[object],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        account: str | None = None,
    ) -> None:
        self.command, self.log, self.environment = [str(part) for part in command], log, environment
        self._cwd, self._account = cwd, account
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=self._cwd,
                env=self.environment,
                user=self._account,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def twin(self, name: str, **environment: str) -> Self:
        """The same command once more, with a log and variables of its own."""
        return type(self)(
            self.command,
            log=self.log.with_name(f"{self.log.stem}-{name}.log"),
            environment={**self.environment, **environment},
            cwd=self._cwd,
            account=self._account,
        )

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def children(self) -> list[int]:
        """Process ids of the whole tree below it, oldest first."""
        try:
            return [child.pid for child in psutil.Process(self.pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def wait(self, seconds: float) -> int:
        """For one that ends by itself; returns its exit code. Raises subprocess.TimeoutExpired."""
        return self._process.wait(seconds)

    def stop(self, seconds: float = 30, by: signal.Signals | None = None) -> int:
        """Ask it to end; returns its exit code.

        Raises:
            subprocess.TimeoutExpired: it has not ended in time. It is killed.
        """
        self._process.send_signal(by or self.ending)
        try:
            return self._process.wait(seconds)
        finally:
            self.kill()

    def kill(self) -> None:
        """kill -9, with everything below it. Nothing if it does not run."""
        if self._process is None:
            return
        tree = [*self.children, self.pid] if self.is_alive else []
        for pid in reversed(tree):
            kill(pid)
        self._process.wait()
        while any(_lives(pid) for pid in tree):
            time.sleep(0.01)

    def freeze(self) -> None:
        """SIGSTOP: its connections stay open, and nobody answers."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in (self.pid, *self.children):
            kill(pid, number)


def kill(pid: int, by: signal.Signals = signal.SIGKILL) -> None:
    """Signal a process that may be gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, by)


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

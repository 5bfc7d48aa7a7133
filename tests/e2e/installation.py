"""A whole installation in a folder of its own, run as `make run` runs it: real processes, seen from outside."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from django.conf import settings

from tests.servers import free_port, wait_until

PASSWORD = re.compile(r"admin / (\S+)")


@dataclass
class Installation:
    """A data folder, the environment of its processes, and what a browser would see."""

    folder: Path
    environment: dict[str, str]

    def __post_init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.browser = requests.Session()
        self.environment = os.environ | {
            "DATA_DIR": str(self.folder),
            "PACKS_DIR": str(settings.PACKS_DIR),
            "PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "facesite.settings",
            "WORKER_CONCURRENCY": "1",
            **self.environment,
        }

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=settings.BASE_DIR, env=self.environment, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def set_up(self) -> str:
        """Run set-up and remember the password it prints; returns what it printed."""
        printed = self.manage("setup")
        self.password = PASSWORD.search(printed)[1]
        return printed

    @contextmanager
    def running(self, *options: str) -> Iterator[None]:
        """All processes, stopped as Ctrl-C stops them."""
        with (self.folder / "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "start", *options],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                wait_until(self._is_ready, "the web server", 60)
                yield
            finally:
                os.killpg(process.pid, signal.SIGINT)
                try:
                    process.wait(30)
                finally:
                    if _group_lives(process.pid):
                        os.killpg(process.pid, signal.SIGKILL)

    def log_in(self) -> None:
        page = self.browser.get(f"{self.url}/login/", timeout=30).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        form = {"username": "admin", "password": self.password, "csrfmiddlewaretoken": token}
        self.browser.post(f"{self.url}/login/", data=form, timeout=30).raise_for_status()

    def api(self, path: str) -> dict:
        response = self.browser.get(f"{self.url}/api/v1/{path}", timeout=30)
        response.raise_for_status()
        return response.json()

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).ok
        except requests.RequestException:  # not listening yet, or still loading the pack
            return False


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True

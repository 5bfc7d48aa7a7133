"""The real web server as a process of its own, on the test's own database."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import requests
from django.conf import settings

from detections.models import Crop
from tests.servers import free_port, wait_until


class Site:
    """Killed and started again, always at the same address."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._folder = folder
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        environment = os.environ | {
            "DATA_DIR": str(self._folder),
            "PACKS_DIR": str(settings.PACKS_DIR),
            "DATABASE_URL": f"sqlite:///{settings.DATABASES['default']['NAME']}",
            "DJANGO_SETTINGS_MODULE": "facesite.settings",
            "ALLOWED_HOSTS": "*",
        }
        command = [sys.executable, "-m", "gunicorn", "facesite.wsgi", "--config", "python:facesite.webserver"]
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                [*command, "--bind", f"0.0.0.0:{self._port}", "--workers", "1"],
                cwd=settings.BASE_DIR,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers, "the web server", 60)

    def kill(self) -> None:
        os.killpg(self._process.pid, 9)
        self._process.wait()

    @property
    def stored(self) -> set[str]:
        """Ids of the crops that the server has taken, each picture of a track once."""
        rows = list(Crop.objects.values_list("id", "track__camera", "track__key", "sha256"))
        twice = [row for row, count in Counter(row[1:] for row in rows).items() if count > 1]
        assert not twice
        return {str(row[0]) for row in rows}

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).ok
        except requests.RequestException:
            return False

"""What containers run, run outside of them: how processes are started, asked whether they live, and given secrets."""

import base64
import os
import runpy
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from stat import S_IMODE

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.deploy.tools import REPOSITORY
from tests.servers import free_port

SCRIPTS = REPOSITORY / "docker"
ALIVE = runpy.run_path(str(SCRIPTS / "alive.py"))
GIVEN = dict.fromkeys(("SECRET_KEY", "DATABASE_URL", "BROKER_URL", "STORAGE_URL", "MODEL_VERIFY_KEYS"), "x")


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """start.sh where gunicorn and celery only say what they were told."""
    return subprocess.run(
        [SCRIPTS / "start.sh", *arguments],
        env={"PATH": f"{environment.pop('BIN', '')}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def stand_ins(tmp_path: Path) -> str:
    for name in ("gunicorn", "celery"):
        (tmp_path / name).write_text('#!/bin/sh\necho "$(basename "$0") $*"\n')
        (tmp_path / name).chmod(0o755)
    return str(tmp_path)


@pytest.mark.parametrize("missing", GIVEN)
def test_a_process_that_lacks_a_setting_says_which(missing: str, stand_ins: str) -> None:
    done = start("web", BIN=stand_ins, **{name: value for name, value in GIVEN.items() if name != missing})
    assert done.returncode == 64
    assert done.stderr.startswith(f"{missing} is not set.")


def test_each_process_is_started_as_what_it_is(stand_ins: str) -> None:
    web = start("web", BIN=stand_ins, **GIVEN).stdout
    assert web == "gunicorn facesite.wsgi --config python:facesite.webserver --bind 0.0.0.0:8000\n"
    worker = start("worker", BIN=stand_ins, WORKER_QUEUES="training", WORKER_CONCURRENCY="1", **GIVEN).stdout
    assert worker.startswith("celery --quiet -A facesite worker --queues training --concurrency 1 ")
    assert start("scheduler", BIN=stand_ins, **GIVEN).stdout.startswith("celery --quiet -A facesite.scheduler beat ")
    assert start("echo", "as it is").stdout == "as it is\n"


def test_processes_are_started_with_the_options_of_the_laptop(stand_ins: str) -> None:
    lines = dict(line.split(": exec ", 1) for line in (REPOSITORY / "Procfile").read_text().splitlines())
    worker = start("worker", BIN=stand_ins, **GIVEN).stdout.strip()
    assert worker == lines["worker"].replace("${WORKER_CONCURRENCY:-2}", "2")
    maintenance = start("worker", BIN=stand_ins, WORKER_QUEUES="maintenance", **GIVEN).stdout.strip()
    assert maintenance == lines["maintenance"].replace("--hostname maintenance@%h ", "")
    scheduler = start("scheduler", BIN=stand_ins, **GIVEN).stdout.strip()
    assert scheduler.replace("--schedule /tmp/beat-schedule --pidfile= ", "") == lines["scheduler"]


class Well(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()


@pytest.mark.parametrize("given", [True, False])
def test_a_server_is_asked_where_it_was_told_to_listen(monkeypatch: pytest.MonkeyPatch, given: bool) -> None:
    with HTTPServer(("127.0.0.1", 0), Well) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        monkeypatch.setenv("PORT", str(server.server_port if given else free_port()))
        assert runpy.run_path(str(SCRIPTS / "alive.py"))["is_alive"]("web") is given


def test_a_server_that_does_not_answer_is_not_alive() -> None:
    assert not ALIVE["answers"](f"http://127.0.0.1:{free_port()}/healthz")


def test_only_living_processes_of_celery_count(tmp_path: Path) -> None:
    for number, line in enumerate(
        [
            b"/opt/venv/bin/python\0/opt/venv/bin/celery\0-A\0facesite\0worker\0",
            b"/opt/venv/bin/python\0/opt/venv/bin/celery\0-A\0facesite\0worker\0",
            b"/opt/venv/bin/python\0/opt/venv/bin/celery\0-A\0facesite\0beat\0",
            b"python\0docker/alive.py\0worker\0",
            b"",  # dead, and not buried
        ]
    ):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "cmdline").write_bytes(line)
    assert ALIVE["count"]("worker", tmp_path) == 2
    assert ALIVE["count"]("beat", tmp_path) == 1


def variables(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def test_secrets_are_made_once_fit_each_other_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make = [SCRIPTS / "make-secrets.sh", folder]
    subprocess.run(make, check=True, capture_output=True)
    made = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(made) == {"site.env", "training.env", "database.env", "storage.json"}
    assert {S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}

    site = variables(folder / "site.env")
    private = Ed25519PrivateKey.from_private_bytes(
        base64.b64decode(variables(folder / "training.env")["MODEL_SIGNING_KEY"])
    )
    assert site["MODEL_VERIFY_KEYS"] == base64.b64encode(private.public_key().public_bytes_raw()).decode()
    assert variables(folder / "database.env")["POSTGRES_PASSWORD"] in site["DATABASE_URL"]
    assert site["AWS_SECRET_ACCESS_KEY"] in (folder / "storage.json").read_text()
    assert len(site["SECRET_KEY"]) >= 50

    subprocess.run(make, check=True, capture_output=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made

"""The settings of a deployment pass every deployment check, and its pages and cookies are for HTTPS alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core import checks

ASK_AS_A_BROWSER = """
import django; django.setup()
from django.conf import settings
from django.test import Client
plain = Client().get("/login/")
print(plain.status_code, plain.headers["Location"])
print(Client().get("/healthz").status_code)
print(Client(headers={"X-Forwarded-Proto": "https"}).get("/healthz").headers["Strict-Transport-Security"])
print(settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE)
"""


@pytest.fixture
def deployed(tmp_path: Path) -> dict[str, str]:
    """The environment of a web process in a deployment; no variable of the tests' own settings is left in it."""
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    return inherited | {
        "DJANGO_SETTINGS_MODULE": "facesite.settings",
        "DATA_DIR": str(tmp_path),
        "PACKS_DIR": str(settings.PACKS_DIR),
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "ALLOWED_HOSTS": "faces.example.org,testserver",
        "HTTPS": "true",
        "DEBUG": "false",
    }


def run(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_deployment_checks_find_nothing(deployed: dict[str, str]) -> None:
    out = run(deployed, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert "no issues" in out


def test_without_https_the_same_checks_complain() -> None:
    found = {message.id for message in checks.run_checks(tags=[checks.Tags.security], include_deployment_checks=True)}
    assert {"security.W004", "security.W008", "security.W012", "security.W016"} <= found


def test_browsers_are_sent_to_https_and_kept_there(deployed: dict[str, str]) -> None:
    redirect, probe, kept, cookies = run(deployed, "-c", ASK_AS_A_BROWSER).splitlines()[-4:]
    assert redirect == "301 https://testserver/login/"
    assert probe == "200"
    assert kept == "max-age=31536000; includeSubDomains"
    assert cookies == "True True"

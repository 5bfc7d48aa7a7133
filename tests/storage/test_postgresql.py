"""What holds on SQLite holds on PostgreSQL: the same tests, against a real server."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

AREAS = ("access", "api", "delivery", "hotswap", "ingest", "people", "processing", "training", "web")


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.timeout(1500)
@pytest.mark.xdist_group("postgresql")
def test_every_behaviour_with_a_database_holds_on_postgresql(postgres: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow"]
    done = subprocess.run(
        [*command, *(f"tests/{area}" for area in AREAS)],
        cwd=settings.BASE_DIR,
        # Not the worker's own: this is a run by itself.
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        | {"DATABASE_URL": postgres},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]

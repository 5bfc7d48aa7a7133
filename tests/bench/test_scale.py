"""The benches of a long history and of the whole flow run to their end and report what they say; not how fast."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = [pytest.mark.slow, pytest.mark.services, pytest.mark.timeout(600)]


def run(*arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=settings.BASE_DIR,
        # Not the settings of the tests: benches start servers of their own.
        env={
            name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"}
        },
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_long_history() -> None:
    found = run("bench.lastseen", "--rows", "20000", "--requests", "2", "--crops", "64")
    assert 19_000 < found["rows"] < 21_000
    for name in ("one_p50_ms", "one_p99_ms", "all_ms", "list_p99_ms", "ingest_per_s"):
        assert found[name] > 0


def test_pruning_takes_as_much_as_arrives() -> None:
    found = run("bench.retention", "--rows", "20000", "--cycles", "1")
    assert 18_000 < found["rows"] < 22_000
    assert len(found["detection"]) == len(found["track"]) == 2


def test_the_flow_of_crops(small_corpus: Path) -> None:
    found = run("bench.ingest", "--data", str(small_corpus / "people"), "--seconds", "3")
    for name in ("accepted_per_s", "recognised_per_s", "engine_per_s", "efficiency", "latency_p95_s"):
        assert found[name] > 0


def test_more_processes_and_more_cameras(small_corpus: Path) -> None:
    found = run("bench.scale", "--data", str(small_corpus / "people"), "--seconds", "3")
    assert [(one["web"], one["workers"]) for one in found["measured"]][:2] == [(1, 1), (2, 2)]
    for one in found["measured"]:
        for name in ("accepted_per_s", "recognised_per_s"):
            assert one[name] > 0
        assert {"web", "worker", "database", "broker"} <= one["processor_ms"].keys()
    assert [one["cameras"] for one in found["plan"]] == [10, 100, 1000]

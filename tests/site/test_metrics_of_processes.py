"""Real processes count together, and whoever scrapes one address of the machine learns of all."""

import re
from pathlib import Path

import pytest
import requests
from pytest_django.plugin import DjangoDbBlocker

from recognition.models import Heartbeat
from tests.faults.load import Load
from tests.faults.oracle import assert_nothing_lost
from tests.faults.site import Site
from tests.programs import kill
from tests.servers import free_port, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

TOKEN = {"Authorization": "Bearer a token for the tests"}


def values(url: str) -> dict[str, float]:
    answer = requests.get(url, headers=TOKEN, timeout=10)
    answer.raise_for_status()
    return {name: float(value) for name, value in re.findall(r"^(facesite_\S+) (\S+)$", answer.text, re.MULTILINE)}


def generations(url: str) -> set[float]:
    return {value for name, value in values(url).items() if name.startswith("facesite_process_generation")}


def test_what_web_worker_and_scheduler_tell(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> None:
    worker = f"http://127.0.0.1:{free_port()}/metrics"
    bind = worker.removeprefix("http://").removesuffix("/metrics")
    site = Site(tmp_path, METRICS_TOKEN="a token for the tests", METRICS_BIND=bind)
    with django_db_blocker.unblock(), site.running():
        load = Load(site.url, site.key)
        with load.running():
            load.wait_for(10)
            kill(site.recognition.children[0])
            load.wait_for(10)
        outcome = assert_nothing_lost(site, load, seconds=60)
        found = values(f"{site.url}/metrics")
        assert found["facesite_crops_accepted_total"] == outcome.done
        # What the child that was killed had counted is not lost.
        assert found['facesite_crops_total{outcome="done"}'] == outcome.done
        # Told before there is one, so that an alert sees the first.
        assert found['facesite_crops_total{outcome="dead"}'] == 0
        assert found['facesite_model_loads_total{outcome="failed"}'] == 0
        assert found['facesite_stage_seconds_count{stage="embed"}'] > 0
        assert values(worker)['facesite_crops_total{outcome="done"}'] == outcome.done
        assert requests.get(worker, timeout=10).status_code == 401
        wait_until(lambda: site.rows(Heartbeat).filter(name="sweep").exists(), "the scheduler's first sweep")
        alive = values(f"{site.url}/metrics")
        assert alive['facesite_processes{kind="web"}'] == 2
        assert alive['facesite_processes{kind="worker"}'] >= 2
        assert alive['facesite_task_seconds{task="sweep"}'] < 60
        # Known with the next heartbeat after a process has loaded the model.
        wait_until(lambda: generations(f"{site.url}/metrics") == {1.0}, "that processes tell their model", seconds=30)

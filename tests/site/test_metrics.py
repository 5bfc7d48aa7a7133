"""`/metrics` is for the bearer of a token, tells how things stand, and holds nothing personal."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY
from rest_framework.test import APIClient

from detections import processing
from detections.models import CameraStatus, EdgeNode
from facesite import metricfiles, standing
from facesite.standing import Standing
from people.training import train
from recognition import heartbeats
from recognition.models import Heartbeat
from tests.fabricated import Eyes, enrol, eyes, fresh_loader, make_camera, make_person, operator_user, submit

__all__ = ["eyes", "fresh_loader", "operator_user", "submit"]

pytestmark = pytest.mark.django_db

TOKEN = "a token for the tests"


@pytest.fixture
def scrape(settings: object, client: Client, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    settings.METRICS_TOKEN = TOKEN
    # What this process counted alone: another test may have loaded what lets processes count together.
    monkeypatch.delenv(metricfiles.FOLDER, raising=False)

    def scrape() -> str:
        return client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()

    return scrape


def value(text: str, sample: str) -> float:
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    assert found, sample
    return float(found[1])


@pytest.mark.parametrize("header", ["", "Bearer ", f"Bearer {TOKEN}x", TOKEN, "Bearer ü"])
def test_whoever_lacks_the_token_reads_nothing(client: Client, settings: object, header: str) -> None:
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers={"Authorization": header})
    assert (answer.status_code, b"facesite_" in answer.content) == (401, False)


def test_without_a_token_in_the_settings_it_is_closed(client: Client) -> None:
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 401


def test_each_process_is_asked_at_its_bare_address(client: Client, settings: object) -> None:
    settings.METRICS_TOKEN, settings.SECURE_SSL_REDIRECT = TOKEN, True
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "10.1.2.3:8000"}
    assert client.get("/metrics", headers=headers).status_code == 200
    assert client.get("/login/", headers=headers).status_code == 400


def test_a_token_that_can_be_guessed_is_an_error(settings: object) -> None:
    settings.METRICS_TOKEN, settings.METRICS_BIND = "secret", "9100x"
    assert {"facesite.E001", "facesite.E002"} <= {found.id for found in run_checks()}


def test_requests_count_by_route_and_never_by_what_stands_in_an_address(
    operator: APIClient, scrape: Callable[[], str]
) -> None:
    make_person("Ada Lovelace")
    for path in ("/api/v1/dataset/Ada Lovelace", "/api/v1/made-up/Ada Lovelace", "/admin/people/person/"):
        operator.get(path)
    text = scrape()
    assert "Lovelace" not in text
    assert "made-up" not in text
    assert value(text, 'facesite_requests_total{method="GET",route="/api/v1/dataset/<str:face_id>",status="200"}') >= 1
    assert value(text, 'facesite_request_seconds_count{route="admin"}') >= 1


def test_a_method_that_a_client_made_up_is_no_label_of_its_own(client: Client, scrape: Callable[[], str]) -> None:
    client.generic("BREW", "/healthz")
    assert "BREW" not in scrape()


def test_it_tells_how_crops_fare(eyes: Eyes, submit: Callable[..., object], scrape: Callable[[], str]) -> None:
    enrol("Ada", 1)
    train()
    submit(eyes.picture_of(1))
    assert value(scrape(), "facesite_inbox_crops") == 1
    before = REGISTRY.get_sample_value("facesite_stage_seconds_count", {"stage": "record"}) or 0
    processing.process_batch()
    text = scrape()
    assert value(text, "facesite_inbox_crops") == 0
    assert value(text, 'facesite_stage_seconds_count{stage="record"}') == before + 1
    assert value(text, 'facesite_batch_images_count{source="inbox"}') >= 1


def test_it_tells_what_edge_nodes_report(scrape: Callable[[], str]) -> None:
    node = EdgeNode.objects.create(name="north", queued=7, bytes_sent=5000, reported_at=timezone.now())
    for name, frames in (("gate", 2.5), ("hall", 1.5)):
        camera = make_camera(name, silent_since=timezone.now() if name == "hall" else None)
        node.cameras.add(camera)
        CameraStatus.objects.create(
            camera=camera, frames_per_second=frames, bytes_saved=1000, reported_at=timezone.now()
        )
    text = scrape()
    assert value(text, 'facesite_edge_crops_waiting{edge_node="north"}') == 7
    assert value(text, 'facesite_edge_sent_bytes_total{edge_node="north"}') == 5000
    assert value(text, 'facesite_edge_frames_per_second{edge_node="north"}') == 4
    assert value(text, 'facesite_edge_saved_bytes{edge_node="north"}') == 2000
    assert value(text, 'facesite_camera_silent{camera="hall"}') == 1
    assert value(text, 'facesite_camera_silent{camera="gate"}') == 0


def test_it_tells_which_processes_live_and_what_they_serve(scrape: Callable[[], str]) -> None:
    heartbeats.beat("node-1:42", "worker", queues="recognition", generation=3)
    heartbeats.ran("sweep")
    text = scrape()
    assert value(text, 'facesite_processes{kind="worker"}') == 1
    assert value(text, 'facesite_processes{kind="web"}') == 0
    assert value(text, 'facesite_process_generation{process="node-1:42"}') == 3
    assert value(text, 'facesite_task_seconds{task="sweep"}') < 60
    Heartbeat.objects.update(beat_at=timezone.now() - heartbeats.SILENT_AFTER - timedelta(seconds=1))
    text = scrape()
    assert value(text, 'facesite_processes{kind="worker"}') == 0
    assert value(text, 'facesite_task_seconds{task="sweep"}') > 40


def test_without_the_database_it_says_that(scrape: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError

    monkeypatch.setattr(standing, "_work", away)
    text = scrape()
    assert value(text, "facesite_database_up") == 0
    assert "facesite_inbox_crops" not in text


def exposed() -> set[str]:
    """Names of all series."""
    parts = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",)}
    told = [*REGISTRY.collect(), *Standing().collect()]
    return {f"{metric.name}{part}" for metric in told for part in parts.get(metric.type, ("",))}


@pytest.mark.parametrize("file", ["alerts.yaml", "dashboard.json"])
def test_what_is_watched_is_what_is_told(file: str) -> None:
    text = (settings.BASE_DIR / "k8s" / "observability" / file).read_text()
    used = set(re.findall(r"facesite_\w+", text))
    assert len(used) > 10
    assert used <= exposed()


PROGRAM = """
import sys
from pathlib import Path
from facesite import metricfiles
root, program, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
metricfiles.count_together(root, program, lambda: "one")
from prometheus_client import CollectorRegistry, Counter, generate_latest
Counter("facesite_tried_total", "Tries.").inc(count)
if program == "second":
    registry = CollectorRegistry()
    registry.register(metricfiles.Files(root))
    print(generate_latest(registry).decode(), [folder.name for folder in metricfiles._folders(root)])
else:
    print("ready", flush=True)
    input()
"""


def test_programs_of_a_machine_are_read_together_and_what_is_over_is_cleared(tmp_path: Path) -> None:
    def program(*arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-c", PROGRAM, str(tmp_path), *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=settings.BASE_DIR, text=True, stdin=pipe, stdout=pipe)

    program("over", "100").communicate("\n")
    with program("first", "2") as first:
        assert first.stdout.readline() == "ready\n"
        printed, _ = program("second", "3").communicate()
        first.communicate("\n")
    assert value(printed, "facesite_tried_total") == 5
    assert "over" not in printed

"""Prometheus itself accepts the alert rules, and they fire when they should."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from tests.conftest import required

RULES = settings.BASE_DIR / "k8s" / "observability" / "alerts.yaml"
WORKERS, DEAD, DONE = (
    'facesite_processes{kind="worker"}',
    'facesite_crops_total{outcome="dead"}',
    'facesite_crops_total{outcome="done"}',
)
REFUSED, TAKEN = 'facesite_requests_total{status="503"}', 'facesite_requests_total{status="202"}'
UP, SWEPT = "facesite_database_up", 'facesite_task_seconds{task="sweep"}'
FREE, SIZE = "facesite_disk_free_bytes", "facesite_disk_bytes"
# What Prometheus has read each minute: in trouble, and when all is well.
CASES = [
    ("FacesiteDatabaseDown", {UP: "0x20"}, {UP: "1x20"}),
    ("FacesiteNoWorker", {WORKERS: "0x20"}, {WORKERS: "1x20"}),
    ("FacesiteNoScheduler", {UP: "1x20", SWEPT: "90x20"}, {UP: "1x20", SWEPT: "5x20"}),
    ("FacesiteNoScheduler", {UP: "1x20"}, {UP: "0x20"}),  # never yet; or nobody can say
    ("FacesiteInboxLate", {"facesite_inbox_age_seconds": "90x20"}, {"facesite_inbox_age_seconds": "5x20"}),
    ("FacesiteCropsGivenUp", {DEAD: "0+1x20"}, {DEAD: "3x20", DONE: "0+9x20"}),
    ("FacesiteCropsGivenUp", {DEAD: "0x5 1x15"}, {DEAD: "0x20"}),  # the first of a worker
    ("FacesiteServerErrors", {REFUSED: "0+5x20", TAKEN: "0+50x20"}, {REFUSED: "0+1x20", TAKEN: "0+50x20"}),
    ("FacesiteDiskNearlyFull", {FREE: "5x20", SIZE: "100x20"}, {FREE: "50x20", SIZE: "100x20"}),
]


@pytest.fixture(scope="module")
def promtool() -> str:
    required(shutil.which("promtool") is not None, "promtool (Debian's package prometheus)")
    return "promtool"


def test_every_rule_says_what_to_do() -> None:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    for rule in group["rules"]:
        assert rule["annotations"].keys() == {"summary", "action"}, rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}


def test_prometheus_accepts_the_rules(promtool: str) -> None:
    subprocess.run([promtool, "check", "rules", RULES], check=True, capture_output=True)


def test_alerts_fire_when_they_should_and_only_then(promtool: str, tmp_path: Path) -> None:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    texts = {rule["alert"]: rule for rule in group["rules"]}

    def case(alert: str, series: dict[str, str], *, fires: bool) -> dict:
        rule = texts[alert]
        fired = [{"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}] if fires else []
        return {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "alert_rule_test": [{"eval_time": "15m", "alertname": alert, "exp_alerts": fired}],
        }

    tests = [case(alert, bad, fires=True) for alert, bad, _ in CASES]
    tests += [case(alert, good, fires=False) for alert, _, good in CASES]
    file = tmp_path / "tests.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    done = subprocess.run([promtool, "test", "rules", file], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

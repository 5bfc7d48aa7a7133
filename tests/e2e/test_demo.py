"""From nothing to faces on the dashboard, with the real processes of `make run`."""

from pathlib import Path

import pytest

from tests.e2e.installation import Installation
from tests.servers import wait_until

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(240)]


def watch_the_demo(site: Installation) -> None:
    """Start everything and wait until the dashboard shows the enrolled person, and somebody unknown."""
    site.set_up()
    site.manage("demo")
    with site.running("--demo"):
        site.log_in()
        wait_until(lambda: 'data-face-id="Eileen Collins"' in site.browser.get(site.url, timeout=30).text, "her", 90)
        wait_until(lambda: site.api("detections?known=false")["results"], "somebody unknown", 90)
        seen = site.api("database/Eileen%20Collins/last-known-location")["last_seen"]
        assert (seen["location"], seen["camera"]) == ("Main entrance", "demo-entrance")
        assert {row["face_id"] for row in site.api("detections")["results"]} == {"Eileen Collins", None}


def test_the_demo_shows_her_recognised_and_the_other_unknown(tmp_path: Path) -> None:
    watch_the_demo(Installation(tmp_path, {}))


@pytest.mark.slow
@pytest.mark.services
def test_the_same_on_postgresql_and_redis(tmp_path: Path, postgres: str, redis_server: str) -> None:
    watch_the_demo(Installation(tmp_path, {"DATABASE_URL": postgres, "BROKER_URL": redis_server}))


def test_set_up_prints_password_and_key_once_and_runs_again(tmp_path: Path) -> None:
    site = Installation(tmp_path, {})
    first = site.set_up()
    assert "admin / " in first
    assert "fs_" in first
    again = site.manage("setup")
    assert site.password not in again
    assert "admin / " not in again
    assert "fs_" not in again

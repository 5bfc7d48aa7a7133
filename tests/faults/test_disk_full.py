"""Fault 8. A full disk costs nothing but time: who sends is told to keep it, and all goes on once there is room again.

The edge node's spool on a full disk: tests/edge/faults/test_disk_full.py.
"""

import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests
from pytest_django.plugin import DjangoDbBlocker

from tests import photographs
from tests.faults.lengths import bound, times
from tests.faults.load import PERSON, Load
from tests.faults.oracle import assert_no_orphans, assert_nothing_lost
from tests.faults.site import Site

SIZE, STEP = "64m", 1024
DONE_S = 60
FULL = {503, 507}


@pytest.fixture
def cramped(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Site]:
    """An embedded installation, all of which is on a small disk."""
    if os.geteuid():
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", disk], check=True)
    try:
        site = Site(disk)
        with django_db_blocker.unblock(), site.running():
            yield site
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_survived_without_a_restart(cramped: Site, measured: Callable[..., None]) -> None:
    load = Eager(cramped.url, cramped.key)
    lives = [program.pid for program in cramped.programs]
    with load.running():
        for _ in times(quick=1, full=10):
            load.wait_for(10)
            with full(cramped.folder):
                began = time.monotonic()
                while not [one for one in load.answers if one.at > began and one.status in FULL]:
                    assert time.monotonic() - began < bound(30), load.statuses
                    time.sleep(0.1)
                assert enrol(cramped, photographs.portrait("grace_hopper")) in FULL
                time.sleep(3)
    outcome = assert_nothing_lost(cramped, load, seconds=bound(DONE_S))
    measured(answers=dict(load.statuses), done_after_s=outcome.seconds)
    assert outcome.done == len(load.sent)
    assert set(load.statuses) <= {202, *FULL}
    assert [program.pid for program in cramped.programs if program.is_alive] == lives
    with closing(sqlite3.connect(cramped.folder / "facesite.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert enrol(cramped, photographs.portrait()) == 201
    assert_no_orphans(cramped)


class Eager(Load):
    """Does not wait the minute that it is asked to."""

    def _wait(self, told: str | None, tries: int) -> None:
        time.sleep(1)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Not a byte is left, also if something is removed meanwhile."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(STEP))
        except OSError:
            pass
        yield
    ballast.unlink()


def enrol(site: Site, photo: bytes) -> int:
    """The status of an upload."""
    url = f"{site.url}/api/v1/dataset/{PERSON}/image"
    headers = {"Authorization": f"Bearer {site.key}"}
    return requests.post(url, files={"image": photo}, headers=headers, timeout=60).status_code

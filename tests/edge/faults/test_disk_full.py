"""A full disk costs the crops that do not fit, each of which is counted, and nothing else."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.conftest import FakeServer
from tests.edge.faults.agent import Agent
from tests.servers import wait_until


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid():
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_drops_what_does_not_fit_and_the_node_goes_on(
    server: FakeServer, agent: Agent, small_disk: Path
) -> None:
    agent.spool = small_disk / "spool.sqlite3"
    ballast = small_disk / "ballast"
    with agent.running():
        wait_until(lambda: server.stored, "a first crop")
        fill(ballast)
        agent.wait_for("cannot write the spool: database or disk is full")
        agent.wait_for_crops(2)
        assert agent.is_alive
        ballast.unlink()
        stored = len(server.stored)
        wait_until(lambda: len(server.stored) > stored + 1, "more crops, once there is room")
        assert agent.stop() == 1  # something was lost
    dropped = int(re.findall(r"(\d+) dropped", agent.log)[-1])
    assert dropped
    assert len(agent.taken) == len(server.stored) + dropped
    assert not agent.waiting


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass

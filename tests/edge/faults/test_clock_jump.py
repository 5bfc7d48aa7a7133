"""The node's clock may jump by an hour, either way: the server still learns when people were there."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.edge.conftest import FakeServer
from tests.edge.faults.agent import Agent
from tests.servers import wait_until

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


@pytest.mark.skipif(not LIBRARY, reason="there is no libfaketime: install faketime")
@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1)], ids=["ahead", "back"])
def test_capture_times_stay_right_when_the_clock_jumps(
    server: FakeServer, agent: Agent, tmp_path: Path, jump: timedelta
) -> None:
    offset = tmp_path / "offset"
    offset.write_text("+0")
    agent.environment = {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # whoever sets a clock does not move the machine's uptime
    }
    started = datetime.now(UTC)
    with agent.running():
        wait_until(lambda: server.stored, "a first crop")
        before = set(server.stored)
        replacement = tmp_path / "new offset"
        replacement.write_text(f"{jump.total_seconds():+.0f}")
        replacement.replace(offset)  # in one piece
        wait_until(lambda: len(server.stored) > len(before) + 1, "crops after the jump")
        assert agent.stop() == 0
    told = float(re.search(r"this node's clock is ([+-]\d+) s off", agent.log)[1])
    assert told == pytest.approx(jump.total_seconds(), abs=2)
    slack = timedelta(seconds=2)
    for crop in server.stored.values():
        assert started - slack <= datetime.fromisoformat(crop["captured_at"]) <= datetime.now(UTC) + slack
    agent.assert_nothing_lost(set(server.stored))

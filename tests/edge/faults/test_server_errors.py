"""What a server or a proxy before it answers in bad hours: the crops wait as long as it asks, and no longer."""

import re
import time

import pytest

from tests.edge.conftest import FakeServer, Reply, Upload
from tests.edge.faults.agent import Agent
from tests.servers import wait_until

TROUBLES = [
    (Reply(500), "answered 500"),
    (Reply(503, headers={"Retry-After": "2"}), "answered 503"),
    (Reply(429, headers={"Retry-After": "2"}), "answered 429"),
    (Reply(200, "<html>Please log in to this network</html>"), "answered 200"),
    (Reply(0), "cannot reach"),
]


@pytest.mark.parametrize(("trouble", "words"), TROUBLES, ids=[words for _, words in TROUBLES])
def test_crops_survive_the_answer(server: FakeServer, agent: Agent, trouble: Reply, words: str) -> None:
    asked: list[float] = []

    def answer(_upload: Upload) -> Reply:
        asked.append(time.monotonic())
        return trouble if len(asked) == 1 else Reply(202)

    server.answers += [answer] * 2
    with agent.running():
        wait_until(lambda: server.stored, "a stored crop")
        assert agent.stop() == 0
    wait = float(trouble.headers.get("Retry-After", 0))
    assert asked[1] - asked[0] >= wait
    assert re.search(rf"\d crops wait: .*{words}.*; trying again in", agent.log)
    assert "the server answers again" in agent.log
    agent.assert_nothing_lost(set(server.stored))
    assert not agent.waiting

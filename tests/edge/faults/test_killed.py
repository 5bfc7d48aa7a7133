"""kill -9 at any moment loses no crop that was in the spool, and sends none twice."""

import random
import time

import pytest

from tests.edge.conftest import FakeServer, Reply, Upload
from tests.edge.faults.agent import Agent
from tests.edge.faults.lengths import soak
from tests.edge.faults.site import Site


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [4, soak(200)])
def test_an_agent_that_is_killed_at_any_moment_delivers_each_crop_once(
    site: Site, site_agent: Agent, rounds: float
) -> None:
    chance = random.Random(rounds)
    for _ in range(round(rounds)):
        with site_agent.running():
            site_agent.wait_for_crops()
            time.sleep(chance.uniform(0, 0.5))
    with site_agent.running():
        site_agent.wait_for_crops()
        assert site_agent.stop() == 0
    assert not site_agent.waiting
    site_agent.assert_nothing_lost(site.stored)


def test_a_request_that_the_server_stored_while_the_agent_died_is_repeated_with_the_same_ids(
    server: FakeServer, agent: Agent
) -> None:
    def store_and_kill(_upload: Upload) -> Reply:
        agent.kill()
        return Reply(202)

    server.answers.append(store_and_kill)
    with agent.running():
        agent.process.wait(30)
    first, waiting = server.uploads[0], agent.waiting
    assert set(first.ids) <= waiting  # and perhaps one that came meanwhile
    with agent.running():
        agent.wait_for_crops()
        assert agent.stop() == 0
    assert set(first.ids) <= set(server.uploads[1].ids)
    assert first.images.items() <= server.uploads[1].images.items()
    assert f"{len(waiting)} crops wait from before" in agent.log
    agent.assert_nothing_lost(set(server.stored))

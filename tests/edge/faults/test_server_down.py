"""A server that is away for a while costs nothing but time."""

import time

import pytest

from tests.edge.faults.agent import Agent
from tests.edge.faults.lengths import soak
from tests.edge.faults.site import Site
from tests.servers import wait_until


@pytest.mark.parametrize("seconds", [4, soak(600)])
def test_what_was_seen_while_the_server_was_away_arrives_when_it_is_back(
    site: Site, site_agent: Agent, seconds: float
) -> None:
    with site_agent.running():
        wait_until(lambda: site.stored, "a first crop")
        site.kill()
        started = time.monotonic()
        site_agent.wait_for_crops()
        time.sleep(max(0.0, started + seconds - time.monotonic()))
        assert site_agent.is_alive
        missed = site_agent.taken - site.stored
        assert missed
        site.start()
        wait_until(lambda: missed <= site.stored, "the crops that waited", 90)
        site_agent.wait_for("the server answers again")
        assert site_agent.stop() == 0
    assert "crops wait: cannot reach" in site_agent.log
    site_agent.assert_nothing_lost(site.stored)

"""Over 128 kbit/s with 300 ms delay and 5 % loss everything arrives, once."""

import time

import pytest

from tests.edge.faults.agent import Agent
from tests.edge.faults.lengths import soak
from tests.edge.faults.site import Site
from tests.edge.faults.thin_link import ThinLink

pytestmark = pytest.mark.skipif(bool(ThinLink.hindrance()), reason=ThinLink.hindrance())


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [5, soak(600)])
def test_a_thin_and_lossy_link_loses_no_crop(site: Site, site_agent: Agent, seconds: float) -> None:
    with ThinLink(loss=0.05, delay=0.3, bits_per_second=128_000) as link:
        site_agent.prefix = link.prefix
        site_agent.server = site.url.replace("127.0.0.1", link.near)
        with site_agent.running():
            site_agent.wait_for_crops()
            time.sleep(seconds)
            assert site_agent.is_alive
            assert site_agent.stop() == 0
        assert link.lost
    site_agent.assert_nothing_lost(site.stored)
    assert not site_agent.waiting

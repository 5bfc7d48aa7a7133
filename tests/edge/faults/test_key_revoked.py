"""A key that is revoked stops the sending, not the watching; with a valid one everything goes out."""

from collections.abc import Callable

import pytest

from access.models import ApiKey
from detections.models import EdgeNode
from tests.edge.faults.agent import Agent
from tests.edge.faults.site import Site
from tests.servers import wait_until

REFUSAL = "the server does not accept the API key: it is wrong or revoked (401)"


def revoke(site: Site, agent: Agent) -> None:
    """Once a crop has arrived, and until another waits."""
    wait_until(lambda: site.stored, "a first crop")
    ApiKey.objects.get().revoke()
    agent.wait_for(REFUSAL)
    agent.wait_for_crops()
    assert agent.taken - site.stored


def test_crops_wait_for_a_new_key(site: Site, site_agent: Agent, make_key: Callable[..., str]) -> None:
    with site_agent.running():
        revoke(site, site_agent)
        assert site_agent.stop() == 4
    assert site_agent.waiting == site_agent.taken - site.stored

    site_agent.key_file.write_text(make_key(ApiKey.Scope.EDGE))
    EdgeNode.objects.get().keys.set(ApiKey.objects.live())
    with site_agent.running():
        site_agent.wait_for_crops()
        assert site_agent.stop() == 0
    assert not site_agent.waiting
    site_agent.assert_nothing_lost(site.stored)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_key_that_is_valid_again_is_noticed_without_a_restart(site: Site, site_agent: Agent) -> None:
    with site_agent.running():
        revoke(site, site_agent)
        missed = site_agent.taken - site.stored
        ApiKey.objects.update(revoked_at=None)
        wait_until(lambda: missed <= site.stored, "the crops that waited", 300)
        assert site_agent.stop() == 0
    site_agent.assert_nothing_lost(site.stored)

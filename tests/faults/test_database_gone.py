"""Fault 5. Without its database the site promises nothing; soon after it is back, it serves again by itself."""

import time
from collections.abc import Callable

import requests

from tests.faults.lengths import assert_within, bound, times
from tests.faults.load import Load
from tests.faults.oracle import assert_no_orphans, assert_nothing_lost
from tests.faults.receiving import receiving
from tests.faults.site import Site
from tests.servers import Postgres, wait_until

SERVING_S, DONE_S = 30, 60


def test_stopped_immediately_under_load(deployed: Site, measured: Callable[..., None]) -> None:
    server, load, served_after = deployed.server(Postgres), Load(deployed.url, deployed.key, deliver=True), []
    with receiving(deployed) as receiver:
        with load.running():
            for _ in times(quick=1, full=5):
                load.wait_for(20)
                server.stop_immediately()
                assert requests.get(f"{deployed.url}/readyz", timeout=10).status_code == 503
                time.sleep(2)
                server.start()
                started = time.monotonic()
                wait_until(lambda at=started: load.accepted_since(at), "a crop accepted again", bound(60))
                served_after.append(time.monotonic() - started)
        outcome = assert_nothing_lost(deployed, load, seconds=bound(DONE_S), receiver=receiver)
    measured(serving_after_s=max(served_after), done_after_s=outcome.seconds, answers=dict(load.statuses))
    # Until it is back, clients are told so in the one shape of errors, and to come back.
    assert set(load.statuses) <= {202, 503}
    assert outcome.done == len(load.accepted)
    assert_within(max(served_after), SERVING_S)
    assert all(program.is_alive for program in deployed.programs)
    assert_no_orphans(deployed)

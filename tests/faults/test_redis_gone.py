"""Fault 4. Redis only wakes workers: whatever happens to it, crops are accepted as quickly, and done soon after."""

import time
from collections.abc import Callable

from detections.models import Crop
from tests.faults.lengths import assert_within, bound, length
from tests.faults.load import Load
from tests.faults.oracle import assert_nothing_lost
from tests.faults.site import Site
from tests.servers import Redis

Measured = Callable[..., None]

ANSWERED_S, DONE_S = 2, 60


def prove(site: Site, fault: Callable[[Redis], None], measured: Measured) -> None:
    """Strike under load; `fault` returns when Redis is back."""
    load = Load(site.url, site.key, per_second=10)
    with load.running():
        load.wait_for(10)
        struck = time.monotonic()
        fault(site.server(Redis))
    outcome = assert_nothing_lost(site, load, seconds=bound(DONE_S))
    p99 = load.percentile(99, since=struck)
    measured(answered_p99_s=p99, done_after_s=outcome.seconds, crops=outcome.done)
    assert load.statuses == {202: len(load.sent)}
    assert outcome.done == len(load.accepted)
    assert_within(p99, ANSWERED_S)


def test_killed_and_started_again(deployed: Site, measured: Measured) -> None:
    def kill(server: Redis) -> None:
        server.kill()
        time.sleep(length(quick=3, full=30))
        server.start()

    prove(deployed, kill, measured)


def test_frozen(deployed: Site, measured: Measured) -> None:
    def freeze(server: Redis) -> None:
        server.freeze()
        time.sleep(length(quick=4, full=90))
        server.thaw()

    prove(deployed, freeze, measured)


def test_every_connection_cut_again_and_again(deployed: Site, measured: Measured) -> None:
    def cut(server: Redis) -> None:
        until = time.monotonic() + length(quick=3, full=30)
        while time.monotonic() < until:
            for kind in ("normal", "pubsub"):
                server.client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
            time.sleep(0.1)

    prove(deployed, cut, measured)


def test_emptied_while_crops_wait(deployed: Site, measured: Measured) -> None:
    count = round(length(quick=60, full=1000))
    load = Load(deployed.url, deployed.key, per_second=200, clients=8)
    deployed.freeze(deployed.recognition)
    load.send(count)
    waiting = deployed.rows(Crop).filter(state=Crop.State.PENDING).count()
    assert waiting >= count - 2 * 16  # a worker's child may have had a batch in hand
    deployed.server(Redis).client.flushall()
    deployed.recognition.thaw()
    outcome = assert_nothing_lost(deployed, load, seconds=bound(DONE_S))
    measured(waiting=waiting, done_after_s=outcome.seconds)
    assert outcome.done == count

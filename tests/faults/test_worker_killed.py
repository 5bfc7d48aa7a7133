"""Fault 2. The whole tree of the worker is killed: what it had in hand and what waits is done soon after a restart."""

from collections.abc import Callable

from tests.faults.lengths import assert_within, bound, quick_on, times
from tests.faults.load import Load
from tests.faults.oracle import assert_nothing_lost
from tests.faults.site import Site

DONE_S = 45


@quick_on("deployed")
def test_all_is_done_soon_after_the_restart(site: Site, measured: Callable[..., None]) -> None:
    loads, seconds = [], []
    for _ in times(quick=1, full=10):
        loads.append(load := Load(site.url, site.key))
        with load.running():
            load.wait_for(20)
            site.recognition.kill()
            load.wait_for(20)
        site.recognition.start()
        seconds.append(assert_nothing_lost(site, load, seconds=bound(90)).seconds)
    outcome = assert_nothing_lost(site, *loads, seconds=bound(60))
    measured(crops=outcome.done, dead=outcome.dead, done_after_restart_max_s=max(seconds))
    assert_within(max(seconds), DONE_S)

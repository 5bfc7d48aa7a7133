"""Fault 12. Ten times as much as can be done: what is accepted is accepted quickly, the rest told to come back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

from detections.models import Crop
from tests.faults.lengths import QUICK, assert_within, bound, length, quick_on
from tests.faults.load import Load
from tests.faults.oracle import assert_nothing_lost
from tests.faults.site import Site

ACCEPTED_S, NORMAL_S, MEMORY = 1, 60, 1.1
# As many as it takes to send ten times as much; an embedded site has one writer at a time, for whom fewer can wait.
CLIENTS, CLIENTS_EMBEDDED = 64, 24


class Deaf(Load):
    """Sends on whatever it is told."""

    def _wait(self, told: str | None, tries: int) -> None:
        time.sleep(0.02)


@quick_on("deployed")
def test_too_much_is_turned_away_and_the_rest_is_served(site: Site, measured: Callable[..., None]) -> None:
    # Room for what two workers do in a few seconds, so that it is soon empty again.
    room = round(length(quick=40, full=300))
    with web_with(site, MAX_INBOX=str(room), MAX_KEY_REQUESTS_PER_SECOND="150"):
        normal = Load(site.url, site.key)
        normal.send(40)
        assert_nothing_lost(site, normal, seconds=bound(60))
        clients = CLIENTS if site.servers else CLIENTS_EMBEDDED
        flood = Deaf(site.url, site.key, per_second=1000, clients=clients, patience=5)
        with flood.running():
            time.sleep(length(quick=2, full=30))  # by then all that is made once is made
            before = memory_mb(site)
            started = time.monotonic()
            time.sleep(length(quick=5, full=270))
            after = memory_mb(site)
            seconds = time.monotonic() - started
        over = time.monotonic()
        done = site.rows(Crop).filter(pk__in=flood.sent, state=Crop.State.DONE).count()
        offered = len(flood.answers)
        p99 = flood.percentile(99)
        assert_nothing_lost(site, flood, seconds=bound(NORMAL_S))
        again = Load(site.url, site.key)
        again.send(20)
        assert_nothing_lost(site, again, seconds=bound(20))
        normal_after = time.monotonic() - over
    measured(
        offered_per_done=offered / max(1, done), accepted_p99_s=p99, answers=dict(flood.statuses),
        memory_before_mb=before, memory_after_mb=after, normal_after_s=normal_after, seconds=seconds,
    )  # fmt: skip
    assert {202} < flood.statuses.keys() <= {202, 429, 503}
    assert again.statuses == {202: 20}
    assert_within(p99, ACCEPTED_S)
    if not QUICK:  # after seconds, not all that is made once is made
        assert after <= MEMORY * before
    assert_within(normal_after, NORMAL_S)


@contextmanager
def web_with(site: Site, **settings: str) -> Iterator[None]:
    """The web processes, with other settings meanwhile."""
    former = site.web.environment
    site.web.stop(bound(30))
    site.web.environment = {**former, **settings}
    site.start()
    try:
        yield
    finally:
        site.web.stop(bound(30))
        site.web.environment = former


def memory_mb(site: Site) -> float:
    """Of the web processes and the worker that recognises, what they share counted once."""
    pids = [pid for program in (site.web, site.recognition) for pid in (program.pid, *program.children)]
    return sum(psutil.Process(pid).memory_full_info().pss for pid in pids) / 2**20

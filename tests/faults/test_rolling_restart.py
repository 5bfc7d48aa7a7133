"""Fault 3. Web and workers are told to end, one after the other, under load: each is gone soon, and nobody notices."""

import time
from collections.abc import Callable

from detections.models import Crop
from tests.faults.lengths import bound, quick_on, times
from tests.faults.load import NO_ANSWER, Load
from tests.faults.oracle import assert_nothing_lost
from tests.faults.receiving import receiving
from tests.faults.site import Site
from tests.programs import Program

GONE_S = 30


@quick_on("embedded")
def test_everything_ends_in_time_and_goes_on(site: Site, measured: Callable[..., None]) -> None:
    load = Load(site.url, site.key, per_second=8, deliver=True)
    seconds = []
    with receiving(site) as receiver:
        with load.running():
            for _ in times(quick=1, full=10):
                for program in (site.web, *site.workers.values()):
                    load.wait_for(5)
                    seconds.append(restart(program))
        outcome = assert_nothing_lost(site, load, seconds=bound(60), receiver=receiver)
    tried_again = site.rows(Crop).filter(pk__in=load.accepted, attempts__gt=1).count()
    measured(crops=outcome.done, exit_max_s=max(seconds), unanswered=load.statuses[NO_ANSWER], tried_again=tried_again)
    assert load.statuses.keys() <= {202, NO_ANSWER}  # a connection refused while there is no server
    assert outcome.dead == 0


def restart(program: Program) -> float:
    """Returns how many seconds it took to end."""
    started = time.monotonic()
    program.stop(bound(GONE_S))
    seconds = time.monotonic() - started
    program.start()
    return seconds

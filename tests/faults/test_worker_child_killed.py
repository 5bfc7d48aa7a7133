"""Fault 1. A worker's children are killed in the middle of a batch: the worker lives, and the batch is done again."""

import signal
from collections.abc import Callable

import numpy as np

from detections.models import Crop
from tests.faults.lengths import assert_within, bound, quick_on, times
from tests.faults.load import Load
from tests.faults.oracle import assert_nothing_lost, latencies
from tests.faults.site import Site
from tests.programs import kill
from tests.servers import wait_until

REDONE_S = 40


@quick_on("embedded")
def test_what_a_killed_child_had_in_hand_is_done_again(site: Site, measured: Callable[..., None]) -> None:
    load = Load(site.url, site.key, per_second=8)
    worker = site.recognition.pid
    with load.running():
        for _ in times(quick=1, full=30):
            load.wait_for(5)
            wait_until(lambda: kill_children_at_work(site), "a batch in hand", bound(30), every=0.02)
    outcome = assert_nothing_lost(site, load, seconds=bound(90))
    redone = latencies(site, load, tries=2)
    p95 = float(np.percentile(redone, 95))
    measured(crops=outcome.done, dead=outcome.dead, faces_redone=len(redone), redone_p95_s=p95)
    assert site.recognition.pid == worker
    assert site.recognition.is_alive
    assert_within(p95, REDONE_S)


def kill_children_at_work(site: Site) -> bool:
    """If one of them holds a batch. Frozen to see it: with a small batch they would be done before the blow."""
    children = site.recognition.children
    for child in children:
        kill(child, signal.SIGSTOP)
    is_held = site.rows(Crop).filter(claim__isnull=False).exists()
    for child in children:
        kill(child, signal.SIGKILL if is_held else signal.SIGCONT)
    return is_held

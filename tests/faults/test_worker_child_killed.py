"""Fault 1. A child of the worker is killed in the middle of a batch: the worker lives, and the batch is done again."""

import time
from collections.abc import Callable

import numpy as np
import psutil

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
    held = site.rows(Crop).filter(claim__isnull=False)
    worker = site.recognition.pid
    with load.running():
        for _ in times(quick=1, full=30):
            load.wait_for(5)
            wait_until(held.all().exists, "a batch in hand", bound(30), every=0.005)
            kill(busiest(site.recognition.children))
    outcome = assert_nothing_lost(site, load, seconds=bound(90))
    redone = latencies(site, load, tries=2)
    p95 = float(np.percentile(redone, 95))
    measured(crops=outcome.done, dead=outcome.dead, faces_redone=len(redone), redone_p95_s=p95)
    assert site.recognition.pid == worker
    assert site.recognition.is_alive
    assert_within(p95, REDONE_S)


def busiest(processes: list[int]) -> int:
    """That which has used most processor time within a moment."""
    before = {pid: psutil.Process(pid).cpu_times() for pid in processes}
    time.sleep(0.02)
    return max(before, key=lambda pid: psutil.Process(pid).cpu_times().user - before[pid].user)

"""Fault 9. A crop that kills or hangs whoever looks at it: tried three times, set aside, and no harm to the others."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from detections.models import Crop
from detections.processing import MAX_ATTEMPTS
from recognition.engine.images import encode_jpeg
from tests.faults.lengths import bound, length, not_quick, quick_on
from tests.faults.load import Load
from tests.faults.oracle import assert_nothing_lost
from tests.faults.pictures import Picture
from tests.faults.poison import CRASH, HANG, HOG
from tests.faults.site import Site
from tests.faults.throughput import work_off
from tests.programs import Program

THROUGHPUT = 0.8
# Neighbours of the deadly crop wait for one lease: of a heap that is gone sooner, that would be most of the time.
LONG_S = 60


@contextmanager
def deadly_worker(site: Site) -> Iterator[Program]:
    """In the place of the site's own."""
    site.recognition.stop(bound(30))
    command = re.sub(r"-A \S+", "-A tests.faults.deadly", site.recognition.command[-1])
    worker = site.program("deadly", command, WORKER_CONCURRENCY="2")
    worker.start()
    try:
        yield worker
    finally:
        worker.kill()
        site.recognition.start()


def deadly(size: tuple[int, int]) -> Picture:
    return Picture("deadly", encode_jpeg(np.full((*size, 3), 90, np.uint8)), 0)


@pytest.mark.parametrize(
    "size",
    [CRASH, pytest.param(HOG, marks=not_quick), pytest.param(HANG, marks=not_quick)],
    ids=["crash", "hog", "hang"],
)
@quick_on("deployed")
def test_it_is_given_up_after_three_attempts(site: Site, size: tuple[int, int]) -> None:
    poison = Load(site.url, site.key, pictures=[deadly(size)])
    others = Load(site.url, site.key)
    with deadly_worker(site):
        poison.send(1)
        others.send(20)
        # Three leases, and for one that hangs three time limits.
        outcome = assert_nothing_lost(site, poison, others, seconds=bound(330 if size == HANG else 120))
    assert (outcome.done, outcome.dead) == (20, 1)
    (crop,) = site.rows(Crop).filter(pk__in=poison.accepted)
    assert (crop.state, crop.attempts) == (Crop.State.DEAD, MAX_ATTEMPTS)
    assert crop.image


@not_quick
def test_the_others_are_done_as_quickly(site: Site, measured: Callable[..., None]) -> None:
    poison = Load(site.url, site.key, pictures=[deadly(CRASH)])
    count = round(length(quick=60, full=2000))
    with deadly_worker(site) as worker:
        before = work_off(site, worker, Load(site.url, site.key), count)
        site.freeze(worker)
        poison.send(1)
        beside = work_off(site, worker, Load(site.url, site.key), round(before * LONG_S))
        assert assert_nothing_lost(site, poison, seconds=bound(120)).dead == 1
    measured(per_s=before, per_s_beside_a_deadly_crop=beside, share=beside / before)
    assert beside >= THROUGHPUT * before

"""Fault 6. A web process is killed at whatever point of a request: the client sends again, and there is one row."""

import random
import time
from collections.abc import Callable

from detections.models import Crop
from tests.faults.lengths import bound, quick_on, times
from tests.faults.load import NO_ANSWER, Load
from tests.faults.oracle import assert_nothing_lost
from tests.faults.site import Site
from tests.programs import kill


@quick_on("embedded")
def test_each_crop_is_one_row(site: Site, measured: Callable[..., None]) -> None:
    load = Load(site.url, site.key, per_second=20, clients=6)
    moments = random.Random(6)
    with load.running():
        for _ in times(quick=3, full=100):
            load.wait_for(1)
            time.sleep(moments.uniform(0, 0.2))
            for child in site.web.children:
                kill(child)
    outcome = assert_nothing_lost(site, load, seconds=bound(60))
    stored = site.rows(Crop).filter(pk__in=load.sent).count()
    measured(crops=outcome.done, broken_requests=load.statuses[NO_ANSWER], rows=stored)
    assert load.statuses[NO_ANSWER]
    assert stored == len(load.accepted) == len(load.sent)
    assert outcome.dead == 0

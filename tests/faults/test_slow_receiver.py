"""Fault 15. Whoever is told takes seconds to say yes, or never answers: crops are recognised as fast as ever.

That no target leads to the inside: tests/delivery/test_hostile_targets.py.
"""

from collections.abc import Callable

import pytest

from detections.models import Delivery
from tests.faults.lengths import QUICK, bound, length, not_quick, quick_on
from tests.faults.load import Load
from tests.faults.oracle import assert_nothing_lost
from tests.faults.receiving import receiving
from tests.faults.site import Site
from tests.faults.throughput import work_off

WITHIN = 0.9
SLOW_S, NEVER_S = 4, 60  # it has five


@pytest.mark.parametrize("delay", [SLOW_S, pytest.param(NEVER_S, marks=not_quick)], ids=["slow", "hangs"])
@quick_on("embedded")
def test_recognition_is_as_fast_as_before(site: Site, delay: float, measured: Callable[..., None]) -> None:
    count = round(length(quick=80, full=2000))
    with receiving(site) as receiver:
        prompt = Load(site.url, site.key, deliver=True)
        before = work_off(site, site.recognition, prompt, count)
        assert_nothing_lost(site, prompt, seconds=bound(60), receiver=receiver)
        receiver.delay_s = delay
        slow = Load(site.url, site.key, deliver=True)
        beside = work_off(site, site.recognition, slow, count)
        waiting = site.rows(Delivery).filter(state=Delivery.State.PENDING, detection__crop_id__in=slow.accepted).count()
        receiver.delay_s = 0
        assert_nothing_lost(site, slow, seconds=bound(60))
    measured(per_s=before, per_s_beside_a_slow_receiver=beside, share=beside / before, waiting_then=waiting)
    assert waiting > count / 2, "recognition did not wait for the receiver"
    if not QUICK:
        assert beside >= WITHIN * before

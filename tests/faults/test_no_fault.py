"""Without any fault everything holds too: what the other tests build on."""

from tests.faults.lengths import bound, length
from tests.faults.load import Load
from tests.faults.oracle import assert_no_orphans, assert_nothing_lost
from tests.faults.receiving import receiving
from tests.faults.site import Site


def test_everything_accepted_is_done_and_told_once(site: Site) -> None:
    load = Load(site.url, site.key, deliver=True)
    with receiving(site) as receiver:
        load.send(round(length(quick=40, full=1000)))
        outcome = assert_nothing_lost(site, load, seconds=bound(60), receiver=receiver)
    assert load.statuses == {202: len(load.sent)}
    assert outcome.done == len(load.sent)
    assert_no_orphans(site)

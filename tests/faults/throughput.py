"""How fast a heap of crops is worked off."""

import time

from detections.models import Crop
from tests.faults.lengths import bound
from tests.faults.load import Load
from tests.faults.site import Site
from tests.programs import Program
from tests.servers import wait_until


def work_off(site: Site, worker: Program, load: Load, count: int) -> float:
    """Crops a second, from when the worker begins; what the load has still to be asked about is in it."""
    site.freeze(worker)
    pending = site.rows(Crop).filter(state=Crop.State.PENDING)
    others = list(pending.values_list("pk", flat=True))
    load.per_second, load.clients = 500, 8
    load.send(count)
    worker.thaw()
    started = time.monotonic()
    # Not by their ids: to ask for thousands of those would take more time than the crops.
    waiting = pending.exclude(pk__in=others)
    wait_until(lambda: not waiting.exists(), "the heap", bound(300))
    return count / (time.monotonic() - started)

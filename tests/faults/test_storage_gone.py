"""Fault 7. Storage refuses, then is slow: crops are recognised as ever, uploads come again, nothing is half stored."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from detections.models import Crop
from facesite.demo_video import enrolment_photos
from people.models import Photo
from tests.faults.lengths import QUICK, bound, length
from tests.faults.load import PERSON, Load
from tests.faults.oracle import assert_no_orphans, assert_nothing_lost
from tests.faults.site import Site
from tests.servers import wait_until

DRAINED_S = 600


@dataclass
class Uploads:
    """An operator's program that adds photos: it keeps each until it is stored."""

    site: Site
    stored: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        over = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(self._send, over)
            try:
                yield
            finally:
                over.set()
                sending.result()

    def _send(self, over: threading.Event) -> None:
        number = 0
        while not over.is_set():
            # What follows the end of a JPEG is no part of the picture, but of what makes it another file.
            self._deliver(enrolment_photos()[0] + f"{id(self)} {number}".encode())
            number += 1
            time.sleep(0.5)

    def _deliver(self, photo: bytes) -> None:
        while True:
            started = time.monotonic()
            answer = requests.post(
                f"{self.site.url}/api/v1/dataset/{PERSON}/image",
                headers={"Authorization": f"Bearer {self.site.key}"},
                files={"image": photo},
                timeout=60,
            )
            self.slowest = max(self.slowest, time.monotonic() - started)
            self.statuses[answer.status_code] += 1
            if answer.status_code == 201:
                self.stored.append(answer.json()["id"])
                return
            assert answer.status_code == 503, answer.text
            assert answer.json()["type"] == "storage-unavailable"
            time.sleep(min(2.0, float(answer.headers["Retry-After"])))


def crops_done(site: Site) -> int:
    return site.rows(Crop).filter(state=Crop.State.DONE).count()


def crops_waiting(site: Site) -> int:
    return site.rows(Crop).filter(state=Crop.State.PENDING).count()


def test_refused_then_slow(deployed: Site, measured: Callable[..., None]) -> None:
    link = deployed.storage_link
    load, uploads = Load(deployed.url, deployed.key, per_second=5), Uploads(deployed)
    before = deployed.rows(Photo).count()
    with load.running(), uploads.running():
        # Only a model that is loaded goes on serving: each child of the worker must have had its turn.
        done = crops_done(deployed)
        wait_until(lambda: crops_done(deployed) >= done + length(quick=20, full=50), "crops recognised", bound(120))
        link.cut()
        done = crops_done(deployed)
        time.sleep(length(quick=6, full=300))
        done_meanwhile, waiting = crops_done(deployed) - done, crops_waiting(deployed)
        refused = uploads.statuses[503]
        link.delay = 1.0
        link.mend()
        back = time.monotonic()
        time.sleep(length(quick=3, full=60))
        link.delay = 0.0
    outcome = assert_nothing_lost(deployed, load, seconds=DRAINED_S)
    drained = time.monotonic() - back
    measured(crops=outcome.done, done_meanwhile=done_meanwhile, waiting_then=waiting, drained_after_s=drained)
    measured(uploads=len(uploads.stored), refused=refused, slowest_upload_s=uploads.slowest)
    assert done_meanwhile > (0 if QUICK else waiting), "crops were not recognised while storage was away"
    assert set(load.statuses) == {202}
    assert refused
    assert drained <= DRAINED_S
    assert deployed.rows(Photo).count() - before == len(uploads.stored)
    assert_no_orphans(deployed)

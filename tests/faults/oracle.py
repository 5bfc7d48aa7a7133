"""What must hold after any fault: accepted = done + dead, one detection and one webhook id per face, no orphans."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from detections.models import Crop, Detection
from people import tombstones
from people.models import Photo
from recognition.models import Job, TrainedModel
from tests.delivery.receiver import Receiver
from tests.faults.load import Load
from tests.faults.pictures import Picture
from tests.faults.site import Site
from tests.servers import wait_until


@dataclass(frozen=True)
class Outcome:
    """What became of the accepted crops. `seconds`: until the queue was empty, from the call on."""

    done: int
    dead: int
    seconds: float


def assert_nothing_lost(site: Site, *loads: Load, seconds: float, receiver: Receiver | None = None) -> Outcome:
    """Wait until the queue is empty, at most so many seconds; then everything that was accepted must be accounted for.

    A crop that was sent and not accepted may be there, as its answer may have been lost; it too counts once at most.
    `receiver`: what took the webhooks of the loads that deliver.
    """
    started = time.monotonic()
    wait_until(lambda: not site.rows(Crop).filter(state=Crop.State.PENDING).exists(), "an empty queue", seconds)
    took = time.monotonic() - started
    sent = {name: picture for load in loads for name, picture in load.sent.items()}
    accepted = {name for load in loads for name in load.accepted}
    assert accepted, "nothing was accepted"
    crops = {str(pk): state for pk, state in site.rows(Crop).filter(pk__in=sent).values_list("pk", "state")}
    assert accepted <= crops.keys(), f"lost: {accepted - crops.keys()}"
    _assert_faces_right(site, sent, crops)
    _assert_jobs_right(site, crops)
    if receiver:
        told = [name for load in loads if load.deliver for name in load.accepted]
        _assert_told_once(site, receiver, told, seconds)
    states = Counter(crops[name] for name in accepted)
    return Outcome(states[Crop.State.DONE], states[Crop.State.DEAD], took)


def assert_no_orphans(site: Site) -> None:
    """After a collection, storage holds what the database knows of, and nothing else."""
    site.manage("collect_orphans", "--older-than", "0")
    known = set(site.rows(Photo).exclude(file="").values_list("file", flat=True))
    known |= {trained.storage_name for trained in site.rows(TrainedModel).filter(retired_at=None)}
    assert {name for name in site.files if not name.startswith(f"{tombstones.FOLDER}/")} == known


def latencies(site: Site, load: Load, *, tries: int = 1) -> list[float]:
    """Seconds from the arrival of each accepted crop with a face to its detection, by the site's own clocks.

    `tries`: of those alone that were tried as often, or more.
    """
    accepted = list(load.accepted)  # it may still be under way
    chosen = site.rows(Crop).filter(pk__in=accepted, attempts__gte=tries)
    received = dict(chosen.values_list("pk", "received_at"))
    recorded = site.rows(Detection).filter(crop_id__in=received).values_list("crop_id", "recorded_at")
    return [(at - received[crop]).total_seconds() for crop, at in recorded]


def _assert_faces_right(site: Site, sent: Mapping[str, Picture], crops: Mapping[str, str]) -> None:
    found = Counter(map(str, site.rows(Detection).filter(crop_id__in=crops).values_list("crop_id", flat=True)))
    for name, state in crops.items():
        expected = sent[name].faces if state == Crop.State.DONE else 0
        assert found[name] == expected, f"crop {name} ({sent[name].name}, {state}) has {found[name]} detections"


def _assert_jobs_right(site: Site, crops: Collection[str]) -> None:
    of_job: dict[object, Counter] = defaultdict(Counter)
    for job, state in site.rows(Crop).filter(pk__in=crops).values_list("job", "state"):
        of_job[job][state] += 1
    for job in site.rows(Job).filter(pk__in=of_job):
        states = of_job[job.pk]
        assert (job.total, job.done, job.failed) == (states.total(), states.total(), states[Crop.State.DEAD]), job.pk
        assert job.state == Job.State.SUCCEEDED, job.pk


def _assert_told_once(site: Site, receiver: Receiver, crops: Collection[str], seconds: float) -> None:
    """Each detection was posted, under one webhook id however often, and no id stands for two of them."""
    expected = set(map(str, site.rows(Detection).filter(crop_id__in=crops).values_list("pk", flat=True)))

    def told() -> dict[str, set[str]]:
        ids = defaultdict(set)
        for _, headers, body in list(receiver.requests):
            ids[json.loads(body)["data"]["id"]].add(headers["webhook-id"])
        return ids

    wait_until(lambda: expected <= told().keys(), "all webhooks", seconds)
    ids = told()
    assert all(len(ids[detection]) == 1 for detection in expected), "one face was told of under two webhook ids"
    assert len(set().union(*(ids[detection] for detection in expected))) == len(expected)

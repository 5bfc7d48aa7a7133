"""Fault 13. Trainers race, and some of what they publish is spoiled: every process takes what is good, soon, and only
that.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from detections.models import Detection
from recognition.models import ActiveModel
from tests.faults.lengths import assert_within, bound, length, quick_on
from tests.faults.load import Load
from tests.faults.oracle import assert_no_orphans, assert_nothing_lost
from tests.faults.pictures import pictures
from tests.faults.site import Site
from tests.servers import wait_until

TRAINERS, CURRENT_S = 3, 10


@dataclass(frozen=True)
class Swap:
    """A move of the pointer, by the clock of the machine."""

    model: int
    generation: int
    at: float
    spoiled: bool


@dataclass(frozen=True)
class Use:
    """That a model named somebody: asked for `at`."""

    model: int
    at: float


@contextmanager
def asking(site: Site) -> Iterator[tuple[list[Use], list[int]]]:
    """Asks who is in a picture all the time; what was answered, and the statuses of what was refused."""
    uses, refused, over = [], [], threading.Event()

    def ask() -> None:
        while not over.is_set():
            at = time.time()
            answer = requests.post(
                f"{site.url}/api/v1/face-recognition/get-results",
                headers={"Authorization": f"Bearer {site.key}"},
                files={"image": pictures()[0].image},
                timeout=30,
            )
            if answer.ok:
                uses.append(Use(answer.json()["model"], at))
            else:
                refused.append(answer.status_code)
            time.sleep(0.1)

    with ThreadPoolExecutor(2) as pool:
        clients = [pool.submit(ask) for _ in range(2)]
        try:
            yield uses, refused
        finally:
            over.set()
            for client in clients:
                client.result()


def race(site: Site, each: int) -> list[int]:
    """Let the trainers race; the generations that were seen meanwhile, one after the other."""
    trainers = [
        site.program(f"trainer-{number}", f"python -m tests.faults.trainer {each} {number}", **site.signing)
        for number in range(TRAINERS)
    ]
    seen = []
    for trainer in trainers:
        trainer.start()
    try:
        until = time.monotonic() + bound(60 + 20 * each)
        while any(trainer.is_alive for trainer in trainers):
            assert time.monotonic() < until, "the trainers do not come to an end"
            seen.append(site.rows(ActiveModel).get().generation)
            time.sleep(0.2)
    finally:
        for trainer in trainers:
            trainer.kill()
    return seen


def swaps_of(site: Site) -> list[Swap]:
    lines = [
        line
        for number in range(TRAINERS)
        for line in (site.folder / f"trainer-{number}.log").read_text().splitlines()
        if line.startswith("{")
    ]
    return sorted((Swap(**json.loads(line)) for line in lines), key=lambda swap: swap.generation)


def lateness(use: Use, swaps: list[Swap]) -> float:
    """For how long a better model had been in service when this one was used."""
    (generation,) = (swap.generation for swap in swaps if swap.model == use.model)
    newer = [swap.at for swap in swaps if swap.generation > generation and not swap.spoiled]
    return max(0.0, use.at - newer[0]) if newer else 0.0


@quick_on("embedded")
def test_only_good_models_are_taken_and_by_everyone(site: Site, measured: Callable[..., None]) -> None:
    each = round(length(quick=2, full=34))
    before = site.rows(ActiveModel).get()
    # With those who ask no more at once than SQLite lets stand in line.
    load = Load(site.url, site.key, per_second=5, clients=2)
    started = time.time()
    with load.running(), asking(site) as (uses, refused):
        seen = race(site, each)
        final = site.rows(ActiveModel).get()
        wait_until(lambda: {use.model for use in uses[-10:]} == {last_good(site)}, "the last good model", bound(60))
    outcome = assert_nothing_lost(site, load, seconds=bound(60))
    # Whatever is found below, it leaves behind models that everyone can load, and no file without a row.
    site.run_task("people.training", "train")
    assert_no_orphans(site)

    swaps = swaps_of(site)
    assert len(swaps) == TRAINERS * each
    assert [swap.generation for swap in swaps] == list(range(before.generation + 1, final.generation + 1))
    assert seen == sorted(seen)
    swaps.insert(0, Swap(before.model_id, before.generation, started, spoiled=False))

    detections = site.rows(Detection).filter(crop_id__in=load.accepted)
    uses += [Use(model, at.timestamp()) for model, at in detections.values_list("model", "recorded_at")]
    spoiled = {swap.model for swap in swaps if swap.spoiled}
    assert spoiled
    assert not spoiled & {use.model for use in uses}, "a spoiled model was used"
    assert not refused
    assert set(load.statuses) == {202}
    latest = max(lateness(use, swaps) for use in uses)
    measured(swaps=len(swaps) - 1, spoiled=len(spoiled), answers=len(uses), crops=outcome.done, current_after_s=latest)
    assert_within(latest, CURRENT_S)


def last_good(site: Site) -> int:
    return [swap for swap in swaps_of(site) if not swap.spoiled][-1].model

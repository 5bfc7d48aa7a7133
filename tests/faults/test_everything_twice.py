"""Fault 10. Every broker message five times, the same request twenty times at once: one effect."""

import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import uuid4

import requests

from detections.models import Crop
from recognition.models import ActiveModel, Job
from tests.faults.lengths import bound, length, quick_on, times
from tests.faults.load import Load, Sending
from tests.faults.oracle import assert_nothing_lost
from tests.faults.receiving import receiving
from tests.faults.site import QUEUES, Site
from tests.servers import Redis, wait_until

FURTHER_TIMES, AT_ONCE = 4, 20
DONE_S = 300  # nothing is asked of how soon


@quick_on("deployed")
def test_every_message_five_times(site: Site, measured: Callable[..., None]) -> None:
    load = Load(site.url, site.key, per_second=50, deliver=True)
    generation = site.rows(ActiveModel).get().generation
    *others, last = site.workers.values()
    with receiving(site) as receiver:
        for worker in (*others, last):
            site.freeze(worker)
        load.send(round(length(quick=40, full=500)))
        job = train(site)
        repeated = repeat_messages(site)
        for worker in others:
            worker.thaw()
        # Now the wake-ups for deliveries, too, can be caught.
        pending = site.rows(Crop).filter(state=Crop.State.PENDING)
        wait_until(lambda: not pending.exists(), "all crops recognised", bound(DONE_S))
        repeated += repeat_messages(site)
        last.thaw()
        outcome = assert_nothing_lost(site, load, seconds=bound(DONE_S), receiver=receiver)
    wait_until(lambda: site.rows(Job).get(pk=job).is_over, "the end of the training", bound(DONE_S))
    measured(messages=repeated, crops=outcome.done)
    assert repeated
    assert outcome.done == len(load.sent)
    assert site.rows(Job).get(pk=job).attempts == 1
    assert site.rows(ActiveModel).get().generation == generation + 1


@quick_on("embedded")
def test_the_same_request_twenty_times_at_once(site: Site, measured: Callable[..., None]) -> None:
    load = Load(site.url, site.key, deliver=True)
    with receiving(site) as receiver, ThreadPoolExecutor(AT_ONCE) as pool:
        for number in times(quick=2, full=100):
            crop, start = load.crop(number), threading.Barrier(AT_ONCE)
            load.sent[crop.id] = crop.picture
            answers = [pool.submit(post, load, crop, start) for _ in range(AT_ONCE)]
            bodies = [answer.result() for answer in answers]
            assert all(body == bodies[0] for body in bodies), bodies
            load.accepted[crop.id] = time.monotonic()
        outcome = assert_nothing_lost(site, load, seconds=bound(DONE_S), receiver=receiver)
    measured(requests=load.statuses.total(), crops=outcome.done)
    assert outcome.done == len(load.sent)


def post(load: Load, crop: Sending, start: threading.Barrier) -> dict:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {load.key}"
        start.wait(30)
        answer, response = load.post(session, crop)
        while answer.status == 503:  # on SQLite so many at once stand in a long line
            time.sleep(0.2)
            answer, response = load.post(session, crop)
    load.answers.append(answer)
    assert answer.status == 202, response and response.text
    return response.json()


def train(site: Site) -> str:
    headers = {"Authorization": f"Bearer {site.key}"}
    answer = requests.post(f"{site.url}/api/v1/model/optimized-train", headers=headers, timeout=30)
    assert answer.status_code == 202, answer.text
    return answer.json()["job"]


def repeat_messages(site: Site) -> int:
    """Put everything that waits on the broker there four times more; returns how many messages that were."""
    if not site.servers:
        waiting = list((site.folder / "broker").glob("*.msg"))
        for message in waiting:
            for _ in range(FURTHER_TIMES):
                stamp, _, queue = message.name.partition("_")
                draft = message.with_name(f".{uuid4()}")
                with suppress(FileNotFoundError):  # a worker has just taken it
                    shutil.copy(message, draft)
                    draft.rename(message.with_name(f"{stamp}_{uuid4()}.{queue.partition('.')[2]}"))
        return len(waiting)
    client, count = site.server(Redis).client, 0
    for queue in QUEUES:
        waiting = set(client.lrange(queue, 0, -1))
        if waiting:
            client.rpush(queue, *list(waiting) * FURTHER_TIMES)
        count += len(waiting)
    return count

"""Fault 11. Clocks an hour off, on a worker or at the edge: no lease is stolen, and who was seen last was seen last."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from detections.models import Crop, LastSeen
from tests.edge.faults import scene
from tests.edge.faults.agent import Agent
from tests.faults.lengths import bound, length, not_quick
from tests.faults.load import PERSON, Load
from tests.faults.oracle import assert_nothing_lost, latencies
from tests.faults.receiving import receiving
from tests.faults.site import Site
from tests.programs import Program
from tests.servers import Redis, wait_until

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
pytestmark = pytest.mark.skipif(not LIBRARY, reason="there is no libfaketime: install faketime")

OFFSETS = pytest.mark.parametrize("offset", ["+3600", pytest.param("-3600", marks=not_quick)], ids=["ahead", "behind"])
DONE_S = 60


def another_clock(offset: str) -> dict[str, str]:
    """For the environment of a process. Whoever sets a clock does not move the machine's uptime."""
    return {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME": offset,
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


@contextmanager
def workers_with_another_clock(site: Site, offset: str, *, instead: bool) -> Iterator[list[Program]]:
    """One worker of each kind whose clock is off, beside the others or `instead` of them."""
    strange = [program.twin("strange", **another_clock(offset)) for program in site.workers.values()]
    try:
        for program in site.workers.values() if instead else ():
            program.stop()
        for program in strange:
            program.start()
        yield strange
    finally:
        for program in strange:
            program.kill()
        site.start()


@OFFSETS
def test_workers_whose_clocks_differ_take_nothing_from_each_other(
    deployed: Site, offset: str, measured: Callable[..., None]
) -> None:
    load = Load(deployed.url, deployed.key)
    with workers_with_another_clock(deployed, offset, instead=False):
        with load.running():
            wait_until(lambda: hours_off(deployed, load) == {0, int(offset) // 3600}, "work of both", bound(60))
        load.per_second = 100
        load.send(round(length(quick=60, full=1000)))
        outcome = assert_nothing_lost(deployed, load, seconds=bound(DONE_S))
        crops = deployed.rows(Crop).filter(pk__in=load.sent)
        assert set(crops.values_list("attempts", flat=True)) == {1}
    measured(crops=outcome.done, done_after_s=outcome.seconds)


@not_quick
@OFFSETS
def test_workers_whose_clocks_are_all_off_do_their_work(
    deployed: Site, offset: str, measured: Callable[..., None]
) -> None:
    load = Load(deployed.url, deployed.key, deliver=True)
    with receiving(deployed) as receiver, workers_with_another_clock(deployed, offset, instead=True) as strange:
        recognition, *_ = strange
        recognition.kill()
        load.send(20)
        deployed.server(Redis).client.flushall()  # so that only the sweeper can wake for these crops
        recognition.start()
        outcome = assert_nothing_lost(deployed, load, seconds=bound(DONE_S), receiver=receiver)
        assert hours_off(deployed, load) == {int(offset) // 3600}
    measured(crops=outcome.done, done_after_s=outcome.seconds)
    assert outcome.done == len(load.sent)


@not_quick
def test_somebody_is_where_they_were_last_whatever_the_nodes_clocks_say(
    deployed: Site, tmp_path: Path, pack_folder: Path
) -> None:
    """She passes three cameras, one after the other; each one's node has another clock."""
    video = scene.write_video(tmp_path / "passage.mp4")
    for camera, offset in (("gate-1", "+3600"), ("gate-2", "+0"), ("gate-3", "-3600")):
        folder = tmp_path / camera
        folder.mkdir()
        node = Agent(folder, pack_folder, deployed.url, deployed.key)
        node.cameras, node.environment = {camera: video}, another_clock(offset)
        with node.running():
            wait_until(lambda at=camera: last_seen(deployed) == at, f"her at {camera}", bound(60))
            node.stop()


def last_seen(site: Site) -> str:
    return site.rows(LastSeen).get(person__face_id=PERSON).camera_id


def hours_off(site: Site, load: Load) -> set[int]:
    """How far the clocks of the workers that did these crops are from the web server's."""
    return {round(seconds / 3600) for seconds in latencies(site, load)}

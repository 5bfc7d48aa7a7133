"""Concurrent calls share batches; a bad one hurts itself alone; whoever would wait too long is turned away at once."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.batching import BATCH, Batcher, BusyError


class Gate:
    """Work that waits until it is let go, and remembers its batches: item → item squared; negative ones fail."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.batches: list[list[int]] = []

    def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        assert self.open.wait(20)
        return [ValueError(str(item)) if item < 0 else item * item for item in items]


def batcher(run: Callable, *, budget: int = 1000, places: int = 100, max_wait_s: float = 100) -> Batcher:
    return Batcher(run, budget=budget, places=places, max_wait_s=max_wait_s)


def submitted(shared: Batcher, items: Sequence[int]) -> list[Future]:
    """Calls from a thread each, that wait in this order behind the first one, which is being worked on."""
    pool = ThreadPoolExecutor(len(items))
    calls = [pool.submit(shared.submit, items[0], 1)]
    _until(lambda: shared._run.batches)
    for number, item in enumerate(items[1:], start=1):
        calls.append(pool.submit(shared.submit, item, 1))
        _until(lambda number=number: len(shared._waiting) == number)
    pool.shutdown(wait=False)
    return calls


def _until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_calls_that_come_during_a_batch_share_the_next_one() -> None:
    gate = Gate()
    calls = submitted(batcher(gate), [1, 2, 3, 4])
    gate.open.set()
    assert [call.result(20) for call in calls] == [1, 4, 9, 16]
    assert gate.batches == [[1], [2, 3, 4]]


def test_a_call_alone_waits_for_nobody() -> None:
    gate = Gate()
    gate.open.set()
    shared = batcher(gate)
    started = time.monotonic()
    assert [shared.submit(number, 1) for number in range(100)] == [number * number for number in range(100)]
    assert time.monotonic() - started < 5
    assert gate.batches == [[number] for number in range(100)]


def test_a_batch_has_at_most_sixteen() -> None:
    gate = Gate()
    calls = submitted(batcher(gate), range(1 + BATCH + 3))
    gate.open.set()
    assert [call.result(20) for call in calls] == [number * number for number in range(1 + BATCH + 3)]
    assert [len(batch) for batch in gate.batches] == [1, BATCH, 3]


@given(st.lists(st.integers(min_value=0, max_value=3000), min_size=1, max_size=40))
def test_no_batch_costs_more_than_the_budget_except_one_call_that_does_alone(costs: list[int]) -> None:
    shared = batcher(len)
    calls = [type("Call", (), {"cost": cost})() for cost in costs]
    shared._waiting.extend(calls)
    batches = []
    while shared._waiting:
        batches.append(shared._next_batch())
    assert [call for batch in batches for call in batch] == calls
    for batch in batches:
        assert len(batch) == 1 or sum(call.cost for call in batch) <= 1000


def test_one_that_fails_does_not_fail_its_neighbours() -> None:
    gate = Gate()
    first, good, bad, also_good = submitted(batcher(gate), [1, 2, -3, 4])
    gate.open.set()
    assert (first.result(20), good.result(20), also_good.result(20)) == (1, 4, 16)
    with pytest.raises(ValueError, match="-3"):
        bad.result(20)


@pytest.mark.parametrize("fault", [SystemExit(), MemoryError(), KeyError("x")])
def test_whatever_ends_a_batch_reaches_its_callers_and_the_next_batch_runs(fault: BaseException) -> None:
    faults = [fault]

    def run(items: Sequence[int]) -> list[int]:
        if faults:
            raise faults.pop()
        return list(items)

    shared = batcher(run)
    with pytest.raises(type(fault)):
        shared.submit(1, 1)
    assert shared.submit(2, 1) == 2


def test_work_that_returns_too_few_results_hangs_nobody() -> None:
    shared = batcher(lambda _: [])
    with pytest.raises(ValueError, match="argument"):
        shared.submit(1, 1)


def test_without_a_place_a_call_is_turned_away_at_once() -> None:
    shared = batcher(len, places=2)
    with shared.place(), shared.place(), pytest.raises(BusyError), shared.place():
        pytest.fail("there was a third place")
    with shared.place():
        pass


def test_a_place_is_given_back_when_its_holder_fails() -> None:
    shared = batcher(len, places=1)
    with pytest.raises(KeyError), shared.place():
        raise KeyError
    with shared.place():
        pass


def test_when_items_take_long_fewer_may_wait_but_one_alone_always_may() -> None:
    shared = batcher(lambda items: [time.sleep(0.2)] * len(items), max_wait_s=0.05)
    with shared.place():
        assert shared.submit(1, 1) is None
    for _ in range(8):
        with shared.place():
            shared.submit(1, 1)
    with shared.place():
        with pytest.raises(BusyError), shared.place():
            pytest.fail("it would have waited too long")
        shared.submit(1, 1)

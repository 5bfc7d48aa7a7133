"""Calls that come at the same time share batches; when too many wait, new ones are turned away at once."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

BATCH = 16
_SMOOTHING = 0.2  # weight of the latest batch in the running mean of seconds per item

Item = TypeVar("Item")
Result = TypeVar("Result")


class BusyError(Exception):
    """Too many are waiting already."""


@dataclass(frozen=True)
class _Call(Generic[Item, Result]):
    item: Item
    cost: int
    outcome: Future[Result] = field(default_factory=Future)


class Batcher(Generic[Item, Result]):
    """Runs items in batches of up to `BATCH` whose costs add up to no more than `budget` (or of one that costs more).

    `run` returns for each item its result, or an exception for the caller of that item alone. What `run` raises, all
    callers of the batch get. `places`: how many calls may be under way; `max_wait_s`: how long one may have to wait.

    One thread does all batches: several would each keep the memory of their largest batch. It takes what is there and
    waits for nothing more, so a call that comes alone loses no time.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        *,
        budget: int,
        places: int,
        max_wait_s: float,
    ) -> None:
        self._run = run
        self._budget = budget
        self._places = places
        self._max_wait_s = max_wait_s
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()
        self._waiting: deque[_Call[Item, Result]] = deque()
        self._taken = 0
        self._seconds_each = 0.0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place: to be taken before the item is even read.

        Raises:
            BusyError: there is none, or those before would take longer than one may have to wait.
        """
        with self._changed:
            if self._taken >= self._places or self._taken * self._seconds_each > self._max_wait_s:
                raise BusyError("Too many images are waiting to be looked at. Try again in a moment.")
            self._taken += 1
        try:
            yield
        finally:
            with self._changed:
                self._taken -= 1

    def submit(self, item: Item, cost: int) -> Result:
        """The item's result, or raises what became of it instead."""
        call: _Call[Item, Result] = _Call(item, cost)
        with self._changed:
            self._waiting.append(call)
            self._changed.notify()
            # Not before it is needed: a process may fork until then.
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="batches", daemon=True)
                thread.start()
                self._thread = thread
        return call.outcome.result()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                batch = self._next_batch()
            started = time.monotonic()
            self._do(batch)
            seconds_each = (time.monotonic() - started) / len(batch)
            self._seconds_each += _SMOOTHING * (seconds_each - self._seconds_each)

    def _next_batch(self) -> list[_Call[Item, Result]]:
        batch = [self._waiting.popleft()]
        cost = batch[0].cost
        while self._waiting and len(batch) < BATCH and cost + self._waiting[0].cost <= self._budget:
            batch.append(self._waiting.popleft())
            cost += batch[-1].cost
        return batch

    def _do(self, batch: Sequence[_Call[Item, Result]]) -> None:
        try:
            outcomes = list(zip(batch, self._run([call.item for call in batch]), strict=True))
        except BaseException as error:  # noqa: BLE001 - whatever ends this batch, nobody may wait for ever
            outcomes = [(call, error) for call in batch]
        for call, outcome in outcomes:
            if isinstance(outcome, BaseException):
                call.outcome.set_exception(outcome)
            else:
                call.outcome.set_result(outcome)

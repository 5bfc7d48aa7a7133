"""A load generator for HTTP that takes little of the machine it shares with the server.

Requests are bytes made beforehand, sent over kept-alive connections of a few processes.
"""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import cycle
from multiprocessing import get_context

import numpy as np

PROCESSES = 2
WARM_UP_S = 2.0
PAUSE_S = 1.0  # after a refusal: what `Retry-After` asks for
OK = 200
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: close", re.IGNORECASE)


@dataclass(frozen=True)
class Load:
    """Requests (each a whole HTTP request) to send in turn for some seconds, after a warm-up.

    `rate`: requests a second, which arrive at random moments whether or not earlier ones are answered. None: each
    connection sends its next request as soon as the last is answered.
    """

    address: tuple[str, int]
    requests: Sequence[bytes]
    connections: int
    seconds: float
    rate: float | None = None


@dataclass
class Answers:
    """Seconds from when each request was due until its answer of status 200 was there; how many had each status (0: the
    connection broke); CPU seconds of the load generator, warm-up included.
    """

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    cpu_s: float = 0.0

    def percentiles_ms(self) -> dict[str, float]:
        if not self.latencies:
            return {}
        found = np.percentile(self.latencies, (50, 95, 99))
        return {f"p{at}_ms": round(1000 * seconds, 2) for at, seconds in zip((50, 95, 99), found.tolist(), strict=True)}


def run(load: Load) -> Answers:
    """Send the load from processes of their own and gather what came back."""
    processes = min(PROCESSES, load.connections)
    rate = load.rate and load.rate / processes
    shares = [
        replace(load, rate=rate, connections=len(range(first, load.connections, processes)))
        for first in range(processes)
    ]
    total = Answers()
    # Forked: they need nothing of what a new interpreter would have to load.
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        for answers in pool.map(_send, shares, range(processes)):
            total.latencies += answers.latencies
            total.statuses += answers.statuses
            total.cpu_s += answers.cpu_s
    return total


def _send(load: Load, seed: int) -> Answers:
    return asyncio.run(_Sender(load, seed).send())


class _Connection:
    """Knows just enough HTTP to tell where an answer ends."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> int:
        """The status of the answer; 0 if the connection broke."""
        try:
            reader, writer = self._streams = self._streams or await asyncio.open_connection(*self._address)
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(_LENGTH.search(head)[1]))
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return 0
        if _CLOSES.search(head):
            self.close()
        return int(head.split(None, 2)[1])

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
        self._streams = None


class _Sender:
    def __init__(self, load: Load, seed: int) -> None:
        self._load = load
        self._random = random.Random(seed)
        self._requests = cycle(load.requests)
        self._answers = Answers()
        self._begin = time.perf_counter() + WARM_UP_S
        self._end = self._begin + load.seconds

    async def send(self) -> Answers:
        connections = [_Connection(self._load.address) for _ in range(self._load.connections)]
        if self._load.rate is None:
            await asyncio.gather(*map(self._keep_asking, connections))
        else:
            await self._ask_when_due(connections, self._load.rate)
        for connection in connections:
            connection.close()
        self._answers.cpu_s = time.process_time()
        return self._answers

    async def _keep_asking(self, connection: _Connection) -> None:
        while (now := time.perf_counter()) < self._end:
            status = await connection.ask(next(self._requests))
            answered = time.perf_counter()
            self._record(status, answered, answered - now)
            if status != OK:  # as a well-behaved client does
                await asyncio.sleep(PAUSE_S)

    async def _ask_when_due(self, connections: Sequence[_Connection], rate: float) -> None:
        idle: asyncio.Queue[_Connection] = asyncio.Queue()
        for connection in connections:
            idle.put_nowait(connection)
        due = time.perf_counter()
        async with asyncio.TaskGroup() as asking:
            while due < self._end:
                await asyncio.sleep(due - time.perf_counter())
                asking.create_task(self._ask(idle, due))
                due += self._random.expovariate(rate)

    async def _ask(self, idle: asyncio.Queue[_Connection], due: float) -> None:
        connection = await idle.get()
        status = await connection.ask(next(self._requests))
        idle.put_nowait(connection)
        self._record(status, due, time.perf_counter() - due)

    def _record(self, status: int, moment: float, latency: float) -> None:
        if self._begin <= moment < self._end:
            self._answers.statuses[status] += 1
            if status == OK:
                self._answers.latencies.append(latency)

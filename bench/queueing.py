"""A simulation of the inbox: tracks arrive at random, workers take what waits in batches.

The time of a batch follows from measurements: so many seconds, and so many more for each crop of it.
"""

import heapq
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BATCH = 16
TRACK = 4  # crops; the edge sends them within its track
TRACK_S = 6.0


@dataclass(frozen=True)
class Service:
    """Seconds of one worker process: of a batch, of each crop in it, and how much they vary (standard deviation over
    mean).
    """

    batch_s: float
    crop_s: float
    variation: float

    @classmethod
    def fitted(cls, measured: Sequence[tuple[int, float]]) -> "Service":
        """From batch sizes and seconds."""
        sizes, seconds = np.array(measured).T
        crop_s, batch_s = np.polyfit(sizes, seconds, 1)
        batch_s = max(0.0, batch_s)
        expected = batch_s + crop_s * sizes
        return cls(float(batch_s), float(crop_s), float(np.std(seconds / expected)))

    def seconds(self, crops: int, chance: random.Random) -> float:
        return (self.batch_s + self.crop_s * crops) * max(0.2, chance.gauss(1, self.variation))

    @property
    def crops_per_s(self) -> float:
        """Of one process that always has a full batch."""
        return BATCH / (self.batch_s + self.crop_s * BATCH)


@dataclass(frozen=True)
class Outcome:
    """Seconds from a crop's arrival until it is done, and the share of time that workers are busy."""

    p50_s: float
    p95_s: float
    busy: float


def simulate(service: Service, workers: int, crops_per_s: float, *, seconds: float = 600, seed: int = 0) -> Outcome:
    """Arrivals as a Poisson process of tracks, each with its crops at random moments of its life."""
    chance = random.Random(seed)
    arrivals, start = [], 0.0
    while (start := start + chance.expovariate(crops_per_s / TRACK)) < seconds:
        arrivals += [start + chance.uniform(0, TRACK_S) for _ in range(TRACK)]
    arrivals.sort()
    waiting: deque[float] = deque()
    free = [0.0] * workers  # when each worker is done with what it has
    heapq.heapify(free)
    latencies, worked, coming = [], 0.0, deque(arrivals)
    while coming or waiting:
        now = heapq.heappop(free)
        if not waiting and coming and coming[0] > now:
            now = coming[0]
        while coming and coming[0] <= now:
            waiting.append(coming.popleft())
        batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
        took = service.seconds(len(batch), chance)
        worked += took
        latencies += [now + took - arrived for arrived in batch]
        heapq.heappush(free, now + took)
    p50, p95 = np.percentile(latencies, (50, 95))
    return Outcome(float(p50), float(p95), worked / (workers * max(seconds, *free)))

"""How many processes so many cameras need, what they cost, and what gives out next.

What was measured is told apart from what is assumed.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

from bench.queueing import TRACK, Service, simulate

HOURS = 730  # a month


@dataclass(frozen=True)
class Assumptions:
    """US dollars: list prices as they were known in 2025, of a large cloud in the United States, paid as one goes."""

    tracks_per_minute: float = 4.0  # of one camera in the busiest hour
    busy_hours: float = 3.0  # of as much a day; the rest of it a fifth
    rest: float = 0.2
    p95_s: float = 2.0  # to be kept in the busiest hour
    utilisation: float = 0.6  # of web and database
    busiest: float = 0.8  # of workers
    core_hour: float = 0.048  # a core of a machine with 4 cores and 16 GiB
    database_core_hour: float = 0.09
    database_cores: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
    fixed_month: float = 60.0  # load balancer, small Redis, disk and backup of the database, some object storage


@dataclass(frozen=True)
class Costs:
    """Measured processor seconds of one crop, by what used them."""

    web: float
    database: float

    @classmethod
    def of(cls, processor_ms: Mapping[str, float]) -> Self:
        return cls(processor_ms["web"] / 1000, processor_ms["database"] / 1000)


def plan(cameras: int, service: Service, costs: Costs, assumed: Assumptions) -> dict[str, object]:
    """What the busiest hour needs. A worker process has a core of its own; workers follow the load through the day."""
    peak = cameras * assumed.tracks_per_minute * TRACK / 60
    workers = math.ceil(peak / service.crops_per_s)
    while True:
        outcome = simulate(service, workers, peak, seconds=300)
        if outcome.p95_s <= assumed.p95_s and outcome.busy <= assumed.busiest:
            break
        workers += 1
    web = max(2, math.ceil(peak * costs.web / assumed.utilisation))
    database = peak * costs.database / assumed.utilisation
    fitting = next((cores for cores in assumed.database_cores if cores >= database), math.ceil(database))
    share = (assumed.busy_hours + (24 - assumed.busy_hours) * assumed.rest) / 24
    mean_workers = max(1.0, workers * share)
    month = (
        HOURS * ((mean_workers + web + 1) * assumed.core_hour + fitting * assumed.database_core_hour)
        + assumed.fixed_month
    )
    return {
        "cameras": cameras,
        "crops_per_s": round(peak, 1),
        "workers": workers,
        "web": web,
        "database_cores": fitting,
        "p50_s": round(outcome.p50_s, 3),
        "p95_s": round(outcome.p95_s, 3),
        "busy": round(outcome.busy, 2),
        "usd_per_camera_month": round(month / cameras, 2),
    }


def next_bottleneck(costs: Costs, assumed: Assumptions) -> dict[str, object]:
    """Web and workers are added at will; the one database is not."""
    most = assumed.database_cores[-1] * assumed.utilisation / costs.database
    return {
        "what": "database",
        "crops_per_s": round(most),
        "cameras": round(most * 60 / assumed.tracks_per_minute / TRACK),
        "assumed": asdict(assumed),
    }

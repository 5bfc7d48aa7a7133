"""How long to wait before trying again."""

import random
from collections.abc import Iterator

FIRST, LONGEST = 1.0, 60.0


def delays() -> Iterator[float]:
    """Seconds before each next attempt, without end: exponential with full jitter.

    Jitter keeps the nodes of one site from returning all at once after an outage
    (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """
    ceiling = FIRST
    while True:
        yield random.uniform(0, ceiling)  # noqa: S311
        ceiling = min(LONGEST, ceiling * 2)

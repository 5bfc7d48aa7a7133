"""What recognition counts, for Prometheus. Nothing here says who was seen, or by which camera."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TypeVar

from prometheus_client import Counter, Histogram

Result = TypeVar("Result")

STAGE_SECONDS = Histogram(
    "facesite_stage_seconds",
    "Time that one batch took in a stage of recognition.",
    ("stage",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
BATCH_IMAGES = Histogram(
    "facesite_batch_images",
    "Images looked at together: of crops from the inbox, or of questions.",
    ("source",),
    buckets=(1, 2, 4, 8, 16),
)
MODEL_LOADS = Counter(
    "facesite_model_loads_total", "Models that a process has taken over, or could not load.", ("outcome",)
)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Measure one batch in a stage that does not fail."""
    started = time.perf_counter()
    yield
    STAGE_SECONDS.labels(name).observe(time.perf_counter() - started)


def staged(name: str, call: Callable[..., Result]) -> Callable[..., Result]:
    """The same call, measured as a stage."""

    @wraps(call)
    def measured(*arguments: object, **options: object) -> Result:
        with stage(name):
            return call(*arguments, **options)

    return measured

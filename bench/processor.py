"""Processor time, which other work on the machine changes little, unlike what the clock on the wall says."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import psutil

from bench.engine import Clock, Contender

# In the order in which a command line is looked at.
PARTS = {"gunicorn": "web", "queues maintenance": "maintenance", "beat": "scheduler", "celery": "worker"}
PARTS |= {"postgres": "database", "redis": "broker"}


def by_part() -> Counter[str]:
    """Seconds that the parts of an installation have used, which are children of this process; `senders`: itself."""
    this, seconds = psutil.Process(), Counter()
    for process in (this, *this.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            command, times = " ".join(process.cmdline()), process.cpu_times()
            part = next((part for word, part in PARTS.items() if word in command), "other")
            # Of its children those that have ended, as a connection's process of the database does.
            seconds["senders" if process == this else part] += sum(times[:4])
    return seconds


def of_engine(contender: Contender, images: Sequence[bytes]) -> float:
    """Seconds for each image, in this process."""
    batches = [images[first : first + contender.batch] for first in range(0, len(images), contender.batch)]
    contender.boxes(batches[0], Clock())
    started = time.process_time()
    for batch in batches:
        contender.boxes(batch, Clock())
    return (time.process_time() - started) / len(images)

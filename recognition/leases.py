"""Keeps a claim in the hands of the worker that is at work on it.

Leases are short, so that what a dead worker held is soon taken up by another. One that lives renews its own, however
long the work takes; one that hangs is ended by the time limit of its task, and its lease then runs out too.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connection

logger = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 4


@contextmanager
def renewed(renew: Callable[[], object], lease: timedelta) -> Iterator[None]:
    """Call `renew` now and then, from a thread with a database connection of its own, until the block is left.

    What it renews must be named by a claim that nobody else can have: it may come once more after the block.
    """
    over = threading.Event()

    def keep() -> None:
        try:
            while not over.wait(lease.total_seconds() / RENEWALS_PER_LEASE):
                try:
                    renew()
                except (DatabaseError, InterfaceError) as error:
                    # The next one may succeed in time, over another connection; if none does, whoever takes over wins.
                    logger.warning("a lease could not be renewed: %s", type(error).__name__)
                    connection.close()
        finally:
            connection.close()

    threading.Thread(target=keep, name="lease", daemon=True).start()
    try:
        yield
    finally:
        over.set()

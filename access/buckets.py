"""Counts how much somebody uses of something, over all web processes of a machine.

In memory that those processes share, being forks of one that has imported this: nothing that could be down, and no
round trip or write per request. Each bucket is one number, the moment until which its use is paid for; what two
processes write into it at the very same time counts once, which is close enough for a limit.
"""

import mmap
import time
import zlib

BURST_S = 10.0  # what a rate allows within so many seconds may come all at once
_SLOTS = 2**20  # mostly untouched, so not really there; two names rarely share one
_paid_until = memoryview(mmap.mmap(-1, 8 * _SLOTS)).cast("d")


def charge(bucket: str, amount: float, *, per_second: float) -> None:
    """Note a use. It is never refused: ask `seconds_to_wait` first."""
    slot = _slot(bucket)
    _paid_until[slot] = max(_paid_until[slot], time.monotonic()) + amount / per_second


def seconds_to_wait(bucket: str) -> float:
    """Until there is room for a further use; 0: there is."""
    return max(0.0, _paid_until[_slot(bucket)] - time.monotonic() - BURST_S)


def _slot(bucket: str) -> int:
    return zlib.crc32(bucket.encode()) % _SLOTS

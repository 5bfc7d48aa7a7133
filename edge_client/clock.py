"""What time it is by the server's clock, so that capture times are right whatever the node's own clock says.

A box beside a camera often starts with a wrong clock and is set right later, by hours. So every moment is noted by two
clocks: the one that people set, and a steady one that only counts on. Each answer of the server tells its time in whole
seconds, somewhere between asking and hearing; several together narrow down, to well below a second and whatever the
latency, how far the steady clock is from the server's.
"""

import logging
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

log = logging.getLogger(__name__)

DRIFT = 100e-6  # seconds per second that a cheap quartz may be off
WORTH_TELLING = 2.0  # seconds
_RESOLUTION = 1.0  # seconds, of the header `Date` (RFC 9110, 5.6.7)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Stamp:
    """One moment on both clocks, seconds. `boot`: the steady clock's readings compare only within one."""

    wall: float
    steady: float
    boot: str


class Clock:
    """The node's clocks, and what the server's answers tell of them."""

    def __init__(self) -> None:
        self._boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else uuid.uuid4().hex
        self._low = self._high = 0.0  # the server's time minus the steady clock's lies between these
        self._heard_at: float | None = None
        self._told = 0.0

    def now(self) -> Stamp:
        return Stamp(time.time(), steady(), self._boot)

    def at(self, wall: datetime, monotonic: float) -> Stamp:
        """The moment at which the node's clock and `time.monotonic` gave these readings."""
        return Stamp(wall.timestamp(), steady() - (time.monotonic() - monotonic), self._boot)

    @property
    def is_set(self) -> bool:
        """Whether the server's time is known."""
        return self._heard_at is not None

    @property
    def offset(self) -> float | None:
        """Seconds that the server's clock is ahead of the node's; None: not known. 0: no difference can be told."""
        return self._ahead_of(self.now()) if self.is_set else None

    def heard(self, date: str, asked: float, answered: float) -> None:
        """Take note of an answer's `Date` header. The times are of the steady clock; a header that is no date is none.

        What was known before holds on, widened by the clocks' drift; where the answer contradicts it, one of the two
        clocks was set, and only the answer counts.
        """
        try:
            server = parsedate_to_datetime(date).timestamp()
        except (ValueError, OverflowError):
            return
        low, high = server - answered, server + _RESOLUTION - asked
        if self._heard_at is not None:
            drift = DRIFT * (answered - self._heard_at)
            if max(low, self._low - drift) <= min(high, self._high + drift):
                low, high = max(low, self._low - drift), min(high, self._high + drift)
        self._low, self._high, self._heard_at = low, high, answered
        self._tell()

    def correct(self, at: datetime, stamp: Stamp) -> datetime:
        """The server's time of a moment that the node's clock called `at` when `stamp` was taken."""
        if not self.is_set:
            return at
        if stamp.boot == self._boot:
            return at + timedelta(seconds=self._ahead_of(stamp))
        # After a restart the steady clock began anew: all that is left is how wrong the other one is now. It may have
        # been set since, and the server refuses what comes from the future.
        now = self.now()
        ahead = self._ahead_of(now)
        return min(at + timedelta(seconds=ahead), datetime.fromtimestamp(now.wall + ahead, UTC))

    def _ahead_of(self, stamp: Stamp) -> float:
        shift = stamp.steady - stamp.wall
        low, high = self._low + shift, self._high + shift
        return 0.0 if low <= 0 <= high else (low + high) / 2

    def _tell(self) -> None:
        ahead = self._ahead_of(self.now())
        if abs(ahead - self._told) >= WORTH_TELLING:
            log.warning("this node's clock is %+.0f s off the server's; capture times are corrected", -ahead)
            self._told = ahead


def steady() -> float:
    """Seconds on a clock that nobody sets; on Linux it goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()

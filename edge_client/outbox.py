"""Everything that goes to the server passes here: crops on disk until they are there, and who is still present."""

import logging
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from edge_client import figures
from edge_client.bundle import Crop
from edge_client.clock import steady
from edge_client.figures import NodeStats, OutboxStatus
from edge_client.presence import Presence
from edge_client.server import MAX_BATCH, Server
from edge_client.spool import DEFAULT_BYTES, Spool, SpoolError
from edge_client.uploader import Uploader

log = logging.getLogger(__name__)

HURRY = 0.5  # seconds: who may be named goes out soon, together with those who come along
LINGER = 2.0  # seconds that other crops wait for company
ROOM = 512  # crops: where a file is read faster than it can be sent, it waits
COMPLAIN_EVERY = 60.0  # seconds


class Outbox:
    """For any thread. A crop is durable once `submit` returns: it goes out, now or after a restart, unless the spool
    overflows or the server rejects it. Raises SpoolError.
    """

    def __init__(self, server: Server, path: Path, max_bytes: int = DEFAULT_BYTES) -> None:
        self._server = server
        self._spool = Spool(path, max_bytes)
        self._presence = Presence()
        self._stats: Callable[[], NodeStats] = NodeStats
        self._dropped = 0
        self._complained_at = -COMPLAIN_EVERY
        if len(self._spool):
            log.info("%d crops wait from before", len(self._spool))
        self._uploader = Uploader(server, self._spool, self._presence, self._report)
        self._uploader.start()

    def submit(self, crop: Crop, taken_at: float | None = None, *, hurry: bool = True) -> None:
        """Keep a crop until the server has it. Never waits for the network, and never fails: what the disk cannot take
        is counted as dropped. `taken_at`: what `time.monotonic` said when it was captured, if it was just now: the
        node's clock may have been set since.
        """
        clock = self._server.clock
        try:
            displaced = self._spool.add(crop, clock.now() if taken_at is None else clock.at(crop.captured_at, taken_at))
        except (sqlite3.Error, SpoolError) as error:
            self._drop(1, f"cannot write the spool: {error}")
            return
        if displaced:
            self._drop(displaced, "the spool is full: its oldest crops make room")
        is_full = len(self._spool) >= MAX_BATCH
        self._uploader.wake(0.0 if is_full else HURRY if hurry else LINGER)

    def beat(self, camera: str, track: str, at: datetime) -> None:
        """The person is still there: told with the next request, within a minute."""
        self._presence.beat((camera, track), at, self._server.clock.now())

    def settled(self, camera: str, track: str) -> bool:
        """Whether the server has named this track: it needs no further crops, only beats."""
        return self._presence.settled((camera, track))

    def observe(self, stats: Callable[[], NodeStats]) -> None:
        """Ask here for the figures that the server is told once a minute."""
        self._stats = stats

    def wait_for_room(self, seconds: float) -> bool:
        """True once so few crops wait that more can come without one being dropped; False after `seconds`."""
        return self._uploader.wait_until(lambda: len(self._spool) < ROOM, seconds)

    def status(self) -> OutboxStatus:
        return OutboxStatus(
            queued=len(self._spool),
            spool_bytes=self._spool.used_bytes,
            dropped=self._dropped,
            rejected=self._uploader.rejected,
            sent=self._uploader.sent,
            bytes_sent=self._server.bytes_sent,
            last_error=self._uploader.last_error,
            clock_offset_s=self._server.clock.offset,
            last_contact=self._uploader.last_contact,
            refused=self._uploader.refused,
            settings_version=self._uploader.settings_version,
        )

    def close(self, flush_seconds: float) -> int:
        """Deliver what waits, for at most so long. Returns how many crops are left, for the next start."""
        if self._uploader.close(flush_seconds):
            self._spool.close()
        return len(self._spool)

    def _report(self) -> dict[str, object]:
        return figures.report(self._stats(), self.status())

    def _drop(self, count: int, reason: str) -> None:
        self._dropped += count
        if steady() - self._complained_at >= COMPLAIN_EVERY:
            self._complained_at = steady()
            log.error("%s (%d crops dropped so far)", reason, self._dropped)

"""Delivers crops in batches, in its own thread, until the server has them.

The queue lives in memory: what waits when the process ends is lost. A spool on disk is not part of this version.
"""

import logging
import threading
from collections import deque

from edge_client import backoff
from edge_client.server import MAX_BATCH, Crop, Receipt, Server, UnavailableError

log = logging.getLogger(__name__)

CAPACITY = 1024  # crops: about 4 MB
LINGER = 0.5  # seconds a crop waits for company: fewer requests on thin links


class Uploader:
    """`submit` from any thread. `failure` is what ended delivery for good: RefusedError, or a fault of this program."""

    def __init__(self, server: Server, *, capacity: int = CAPACITY, linger: float = LINGER) -> None:
        self._server = server
        self._capacity = capacity
        self._linger = linger
        self._waiting: deque[Crop] = deque()
        self._under_way: list[Crop] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uploader", daemon=True)
        self.failure: Exception | None = None
        self.sent = 0
        self.rejected = 0
        self.dropped = 0  # for want of room
        self._thread.start()

    @property
    def bytes_sent(self) -> int:
        return self._server.bytes_sent

    @property
    def queued(self) -> int:
        """Crops not yet settled."""
        return len(self._waiting) + len(self._under_way)

    def wait_for_room(self, seconds: float) -> bool:
        """True once the queue is less than half full, or delivery has failed; False after `seconds`."""
        with self._changed:
            return self._changed.wait_for(
                lambda: len(self._waiting) < self._capacity / 2 or self.failure is not None, timeout=seconds
            )

    def submit(self, crop: Crop) -> None:
        """Queue a crop. In a full queue the oldest makes room: what happens now matters more."""
        with self._changed:
            if len(self._waiting) >= self._capacity:
                self._waiting.popleft()
                self.dropped += 1
                log.warning("the queue is full: dropped its oldest crop (%d so far)", self.dropped)
            self._waiting.append(crop)
            self._changed.notify_all()

    def close(self, seconds: float) -> int:
        """Deliver what waits, for at most `seconds`. Returns how many crops are left undelivered."""
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
        self._thread.join(seconds)
        self._abandoned.set()
        return self.queued

    def _run(self) -> None:
        try:
            while batch := self._next_batch():
                self._deliver(batch)
        except Exception as failure:  # noqa: BLE001
            # Whatever it was, it must reach the agent: a thread that dies alone would go unnoticed for ever.
            with self._changed:
                self.failure = failure
                self._changed.notify_all()

    def _next_batch(self) -> list[Crop]:
        """The oldest crops. Empty when closing with nothing left, or abandoned."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing.is_set())
            self._changed.wait_for(
                lambda: len(self._waiting) >= MAX_BATCH or self._closing.is_set(), timeout=self._linger
            )
            if not self._abandoned.is_set():
                self._under_way = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            return self._under_way

    def _deliver(self, batch: list[Crop]) -> None:
        """Settle every crop of a batch: stored, or given up because the server rejects it."""
        parts = [batch]
        while parts and not self._abandoned.is_set():
            part = parts.pop()
            receipt = self._store(part)
            if receipt is None:
                return
            blamed = [crop for crop in part if crop.id in receipt.rejected]
            rest = [crop for crop in part if crop.id not in receipt.rejected]
            self._give_up(blamed, receipt)
            if receipt.stored:
                self.sent += len(rest)
                self._settle(rest)
            elif blamed:
                parts += [rest] if rest else []
            elif len(part) == 1:
                self._give_up(part, receipt)
            else:  # the server does not say which crop is to blame: find it by halving
                parts += [part[len(part) // 2 :], part[: len(part) // 2]]

    def _store(self, crops: list[Crop]) -> Receipt | None:
        """Try until the server answers. None when abandoned."""
        delays = backoff.delays()
        while not self._abandoned.is_set():
            try:
                return self._server.store(crops)
            except UnavailableError as error:
                delay = max(next(delays), error.retry_after)
                log.warning("%d crops wait: %s; trying again in %.1f s", self.queued, error, delay)
                self._abandoned.wait(delay)
        return None

    def _give_up(self, crops: list[Crop], receipt: Receipt) -> None:
        for crop in crops:
            log.warning("the server rejected crop %s: %s", crop.id, receipt.rejected.get(crop.id, receipt.reason))
        self.rejected += len(crops)
        self._settle(crops)

    def _settle(self, crops: list[Crop]) -> None:
        with self._changed:
            self._under_way = [crop for crop in self._under_way if crop not in crops]
            self._changed.notify_all()

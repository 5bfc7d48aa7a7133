"""Delivers what waits in the spool, in its own thread: one request at a time, until the server has everything."""

import logging
import math
import random
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from edge_client import backoff
from edge_client.bundle import Crop
from edge_client.clock import steady
from edge_client.presence import Beats, Presence
from edge_client.server import MAX_BATCH, MAX_BATCH_BYTES, Receipt, RefusedError, Server, UnavailableError
from edge_client.spool import Spool

log = logging.getLogger(__name__)

REPORT_EVERY = 60.0  # seconds; servers keep idle connections a little longer
REFUSED_PAUSE = 180.0  # seconds until a key that was refused is tried again


class Uploader:
    """`wake` it when there is something to send. Where the server's time is not known yet, by which capture times are
    corrected, the first thing it says is that the node is there.
    """

    def __init__(
        self, server: Server, spool: Spool, presence: Presence, figures: Callable[[], dict[str, object]]
    ) -> None:
        self._server = server
        self._spool = spool
        self._presence = presence
        self._figures = figures
        self._report_at = steady() + (REPORT_EVERY if server.clock.is_set else 0)
        self._send_at = steady() if len(spool) else math.inf
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._run, name="uploader", daemon=True)
        self.sent = 0
        self.rejected = 0
        self.last_error = ""
        self.refused = False
        self.last_contact: datetime | None = None
        self.settings_version: str | None = None

    def start(self) -> None:
        self._thread.start()

    def wake(self, within: float) -> None:
        """Something waits that should leave within so many seconds: the longer, the more company it has."""
        with self._changed:
            self._send_at = min(self._send_at, steady() + within)
            self._changed.notify_all()

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether the condition came true in time; looked at after each request."""
        with self._changed:
            return self._changed.wait_for(condition, timeout=seconds)

    def close(self, seconds: float) -> bool:
        """Deliver what waits, for at most `seconds`. False: a request is still under way, and cannot be called back."""
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
        self._thread.join(seconds)
        self._abandoned.set()
        self._thread.join(1)
        return not self._thread.is_alive()

    def _run(self) -> None:
        delays = backoff.delays()
        while self._wait_for_work():
            try:
                self._exchange()
            except UnavailableError as error:
                self._pause(error, max(next(delays), error.retry_after))
            except RefusedError as error:
                self.refused = True
                self._complain(error, pause := REFUSED_PAUSE * random.uniform(0.8, 1.2))  # noqa: S311
                if self._closing.wait(pause):
                    break
            except Exception as error:
                # For a year without a visit: whatever went wrong, the next crops may fare better.
                log.exception("delivery failed")
                self._pause(error, next(delays))
            else:
                delays = backoff.delays()
                self._note_success()
            with self._changed:
                self._changed.notify_all()

    def _wait_for_work(self) -> bool:
        """False when there will be no more: closing with nothing left, or no time left."""
        with self._changed:
            while not (self._closing.is_set() or self._abandoned.is_set()):
                wait = min(self._send_at, self._report_at) - steady()
                if wait <= 0:
                    return True
                self._changed.wait(wait)
        return not self._abandoned.is_set() and (len(self._spool) > 0 or self._presence.has_news)

    def _exchange(self) -> None:
        clock = self._server.clock
        may_send = clock.is_set or self.last_contact is not None
        if may_send:
            with self._changed:
                self._send_at = math.inf
        beats = self._presence.news()  # looked at first: a track's crops are in the spool before its beats come
        total = len(self._spool)
        waiting = self._spool.oldest(MAX_BATCH, MAX_BATCH_BYTES) if may_send and total else []
        if len(waiting) < total:
            # Of a track whose crops may still wait here, the server would not note them.
            beats = {track: beat for track, beat in beats.items() if self._presence.is_known(track)}
            self.wake(0)
        if not waiting:
            self._say((), beats)
            self._spool.tidy()
            return
        try:
            self._deliver(
                [replace(crop, captured_at=clock.correct(crop.captured_at, at)) for crop, at in waiting], beats
            )
        except UnavailableError:
            if steady() >= self._report_at:
                self._report_alone()
            raise

    def _deliver(self, batch: Sequence[Crop], beats: Beats) -> None:
        """Settle every crop of a batch: stored, or given up because the server rejects it."""
        parts = [batch]
        news: Beats | None = beats
        while parts and not self._abandoned.is_set():
            part = parts.pop()
            receipt = self._say(part, news)
            blamed = [crop for crop in part if crop.id in receipt.rejected]
            rest = [crop for crop in part if crop.id not in receipt.rejected]
            self._give_up(blamed, receipt)
            if receipt.stored:
                self.sent += len(rest)
                self._spool.remove(crop.id for crop in rest)
            elif blamed or news is not None:  # what was said beside the crops may be to blame
                parts += [rest] if rest else []
            elif len(part) == 1:
                self._give_up(part, receipt)
            else:  # the server does not say which crop is to blame: find it by halving
                parts += [part[len(part) // 2 :], part[: len(part) // 2]]
            news = None

    def _say(self, crops: Sequence[Crop], news: Beats | None) -> Receipt:
        """One request: these crops, these beats, and the node's figures if it is time; None: the crops alone."""
        beats = news or {}
        times = {track: self._server.clock.correct(at, stamp) for track, (at, stamp) in beats.items()}
        reports = news is not None and (steady() >= self._report_at or not crops)
        figures = self._figures() if reports else {}
        receipt = self._server.store(crops, times, figures) if crops else self._server.heartbeat(times, figures)
        if receipt.stored:
            self._presence.told(beats, receipt.tracks)
            if reports:
                self._report_at = steady() + REPORT_EVERY
                self.settings_version = receipt.settings_version or self.settings_version
        return receipt

    def _report_alone(self) -> None:
        """A server that takes no crops now should still know that the node is there. What fails here is tried again a
        report later, and told by the crops.
        """
        self._report_at = steady() + REPORT_EVERY
        with suppress(UnavailableError, RefusedError):
            self._say((), {})

    def _give_up(self, crops: Sequence[Crop], receipt: Receipt) -> None:
        for crop in crops:
            log.warning("the server rejected crop %s: %s", crop.id, receipt.rejected.get(crop.id, receipt.reason))
        self.rejected += len(crops)
        self._spool.remove(crop.id for crop in crops)

    def _pause(self, error: Exception, seconds: float) -> None:
        self._complain(error, seconds)
        self._abandoned.wait(seconds)

    def _complain(self, error: Exception, pause: float) -> None:
        self.last_error = str(error)
        self.wake(0)  # what could not be said now is due after the pause
        log.warning("%d crops wait: %s; trying again in %.1f s", len(self._spool), error, pause)

    def _note_success(self) -> None:
        self.last_contact = datetime.now(UTC)
        if self.last_error:
            log.info("the server answers again; %d crops wait", len(self._spool))
        self.last_error, self.refused = "", False

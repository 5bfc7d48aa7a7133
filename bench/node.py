"""Edge nodes without cameras: they send made-up tracks of real crops, through the edge's own client."""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import cycle
from urllib.parse import quote
from uuid import uuid4

import numpy as np
import psycopg2
import requests

from bench.processor import by_part
from edge_client.bundle import Crop
from edge_client.server import MAX_BATCH, Server, UnavailableError

CAMERAS = 20
TRACK = 4  # crops
SENDERS = 4
WAITING = 256  # crops, where as many are sent as are done
START_S = 180.0
WARM_UP_S = 5.0
WATCHED_PER_S = 2  # whoever looks on takes time from the server
POLL_S = 0.1
PATIENCE_S = 20.0


class Nodes:
    """`keys`: of a node, and one to read with. `crops`: by the face ids of the people whom they show."""

    def __init__(self, url: str, keys: Sequence[str], crops: Mapping[str, Sequence[bytes]], database: str) -> None:
        self._url, (self._key, self._reading_key), self._crops = url, keys, crops
        self._database = psycopg2.connect(database)  # for long: a new one costs the server more than a crop
        self._database.autocommit = True
        self._people = cycle(crops)

    def flood(self, seconds: float) -> float:
        """Crops a second that are accepted. Those are taken away again."""
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(SENDERS) as pool:
            sent = sum(pool.map(lambda _: self._send(lambda: time.monotonic() > until), range(SENDERS)))
        self._ask("DELETE FROM detections_crop")
        return sent / seconds

    def keep_busy(self, seconds: float) -> tuple[float, dict[str, float]]:
        """Crops a second that are done while as many are sent, and milliseconds of processor time for each, by part."""
        over = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(self._send, over.is_set, at_most=WAITING)
            try:
                self._wait_for_workers()
                time.sleep(WARM_UP_S)
                before, used_before, started = self._count("done"), by_part(), time.monotonic()
                time.sleep(seconds)
                done, took = self._count("done") - before, time.monotonic() - started
                # Not as counters subtract: a part that used nothing is told as such.
                used = {part: by_now - used_before[part] for part, by_now in by_part().items()}
            finally:
                over.set()
            sending.result()
        while self._count("pending"):
            time.sleep(POLL_S)
        return done / took, {part: round(1000 * seconds / done, 2) for part, seconds in used.items()}

    def latencies(self, per_second: float, seconds: float, enrolled: Sequence[str]) -> dict[str, float]:
        """Send so many crops a second, tracks at random moments; returns percentiles of the seconds until some of those
        enrolled are seen, how many were watched for, and the share of them that was seen.
        """
        start, at, tracks, watched = time.monotonic(), 0.0, [], 0
        known = cycle([name for name in enrolled if name in self._crops])
        while (at := at + random.expovariate(per_second / TRACK)) < seconds:
            is_watched = watched < at * WATCHED_PER_S
            watched += is_watched
            tracks.append((start + at, next(known if is_watched else self._people), is_watched))
        with ThreadPoolExecutor(64) as pool:
            times = list(pool.map(lambda one: self._follow(*one[:2], is_watched=one[2]), tracks))
        seen = [latency for latency in times if latency is not None]
        if not seen:
            raise RuntimeError("Nobody was seen.")
        percentiles = zip((50, 95, 99), np.percentile(seen, (50, 95, 99)), strict=True)
        described = {f"p{at}_s": round(float(value), 3) for at, value in percentiles}
        return described | {"watched": watched, "seen": round(len(seen) / watched, 3)}

    def _send(self, is_over: Callable[[], bool], at_most: int | None = None) -> int:
        """Send bundles until it is over; returns how many crops were accepted. `at_most`: may wait at the server."""
        server, sent = Server(self._url, self._key), 0
        while not is_over():
            if at_most and self._count("pending") >= at_most:
                time.sleep(POLL_S)
                continue
            bundle = [crop for _ in range(MAX_BATCH // TRACK) for crop in self._track(next(self._people))]
            try:
                receipt = server.store(bundle)
            except UnavailableError as error:
                time.sleep(max(POLL_S, error.retry_after))
                continue
            if not receipt.stored or receipt.rejected:
                raise RuntimeError(f"Crops were refused: {receipt.reason} {receipt.rejected}")
            sent += len(bundle)
        return sent

    def _follow(self, at: float, person: str, *, is_watched: bool) -> float | None:
        """Send a track at a moment; seconds until its person is seen, if somebody watches and it happens."""
        time.sleep(max(0, at - time.monotonic()))
        track = self._track(person)
        taken = track[-1].captured_at
        if not Server(self._url, self._key).store(track).stored or not is_watched:
            return None
        address = f"{self._url}/api/v1/database/{quote(person)}/last-known-location"
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {self._reading_key}"
            while (waited := (datetime.now(UTC) - taken).total_seconds()) < PATIENCE_S:
                seen = session.get(address, timeout=PATIENCE_S).json()["last_seen"]
                if seen and datetime.fromisoformat(seen["captured_at"]) >= taken:
                    return waited
                time.sleep(POLL_S)
        return None

    def _track(self, person: str) -> list[Crop]:
        images = cycle(self._crops[person])
        camera, key, now = f"camera-{random.randrange(CAMERAS)}", uuid4().hex, datetime.now(UTC)
        # Servers are told times in milliseconds.
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        return [
            Crop(
                camera=camera,
                captured_at=now,
                image=next(images),
                codec="webp",
                track=key,
                box=(412, 96, 498, 205),
                frame_size=(1920, 1080),
                confidence=0.99,
            )
            for _ in range(TRACK)
        ]

    def _wait_for_workers(self) -> None:
        until = time.monotonic() + START_S
        while not self._count("done"):
            if time.monotonic() > until:
                raise RuntimeError("No worker does anything.")
            time.sleep(POLL_S)

    def _count(self, state: str) -> int:
        return self._ask("SELECT count(*) FROM detections_crop WHERE state = %s", state)

    def _ask(self, sql: str, *values: object) -> int:
        with self._database.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchone()[0] if cursor.description else 0

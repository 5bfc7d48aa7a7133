"""Cameras that send crops over HTTP, as good clients do: they keep a crop until it is accepted, and wait when told."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import numpy as np
import requests

from tests.faults.lengths import bound
from tests.faults.pictures import Picture, pictures

# As `prepare` makes them.
PERSON = "Eileen Collins"
CAMERAS = ("gate-1", "gate-2", "gate-3", "gate-4")
LATER = {429, 500, 502, 503, 504, 507}
NO_ANSWER = 0


@dataclass(frozen=True)
class Answer:
    """`status` 0: the connection failed. Times on the monotonic clock."""

    at: float
    seconds: float
    status: int


@dataclass(frozen=True)
class Sending:
    """A crop on its way."""

    id: str
    picture: Picture
    metadata: dict


@dataclass
class Load:
    """`patience`: seconds after which a crop that is not accepted is given up; it is then in `sent` alone."""

    url: str
    key: str
    per_second: float = 15
    clients: int = 4
    deliver: bool = False
    patience: float = bound(150)
    pictures: Sequence[Picture] = field(default_factory=pictures)
    timeout: float = 30

    def __post_init__(self) -> None:
        self.sent: dict[str, Picture] = {}
        self.accepted: dict[str, float] = {}
        self.answers: list[Answer] = []
        self._lock = threading.Lock()
        self._count = 0
        self._next_at = 0.0

    def send(self, count: int) -> None:
        """So many crops, at `per_second`; returns when each is accepted or given up."""
        self._run(lambda number: number < count)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sends meanwhile; at the end what was begun is still brought to its end."""
        over = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(self._run, lambda _: not over.is_set())
            try:
                yield
            finally:
                over.set()
                sending.result()

    def wait_for(self, more: int, seconds: float = bound(60)) -> None:
        """Until so many more are accepted.

        Raises:
            TimeoutError: they were not in time.
        """
        enough, until = len(self.accepted) + more, time.monotonic() + seconds
        while len(self.accepted) < enough:
            if time.monotonic() > until:
                raise TimeoutError(f"{enough - len(self.accepted)} of {more} crops not accepted in {seconds} s")
            time.sleep(0.05)

    def accepted_since(self, moment: float) -> int:
        """How many were accepted after this moment of the monotonic clock."""
        return sum(at > moment for at in list(self.accepted.values()))

    @property
    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    def percentile(self, share: float, status: int = 202, since: float = 0) -> float:
        """Of the seconds until such an answer came, for requests begun `since`."""
        times = [one.seconds for one in self.answers if one.status == status and one.at >= since]
        return float(np.percentile(times, share)) if times else float("nan")

    def crop(self, number: int) -> Sending:
        """Crop number so many, which is in nobody's hands yet."""
        picture = self.pictures[number % len(self.pictures)]
        metadata = {
            "id": str(uuid4()),
            "camera": CAMERAS[number % len(CAMERAS)],
            "captured_at": datetime.now(UTC).isoformat(),
            **picture.metadata,
        }
        if picture.metadata:  # tracks of a few crops each, so that workers meet on them
            metadata["track"] = f"{id(self)}-{picture.name}-{number // 20}"
        return Sending(metadata["id"], picture, metadata)

    def post(self, session: requests.Session, crop: Sending) -> tuple[Answer, requests.Response | None]:
        """Send it once, whatever becomes of it."""
        call = "send-results" if self.deliver else "store-results"
        started, response = time.monotonic(), None
        with suppress(requests.RequestException):
            response = session.post(
                f"{self.url}/api/v1/face-recognition/{call}",
                data={"metadata": json.dumps({"crops": [crop.metadata]})},
                files={crop.id: ("crop.jpg", crop.picture.image, "image/jpeg")},
                timeout=self.timeout,
            )
        status = NO_ANSWER if response is None else response.status_code
        return Answer(started, time.monotonic() - started, status), response

    def _run(self, go_on: Callable[[int], bool]) -> None:
        begun = self._count
        with ThreadPoolExecutor(self.clients) as pool:
            for client in [
                pool.submit(self._client, lambda number: go_on(number - begun)) for _ in range(self.clients)
            ]:
                client.result()

    def _client(self, go_on: Callable[[int], bool]) -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {self.key}"
            while (number := self._turn(go_on)) is not None:
                self._bring(session, self.crop(number))

    def _turn(self, go_on: Callable[[int], bool]) -> int | None:
        """The number of the next crop, when its time has come."""
        with self._lock:
            if not go_on(self._count):
                return None
            number, now = self._count, time.monotonic()
            self._count += 1
            self._next_at = max(self._next_at, now) + 1 / self.per_second
            wait = self._next_at - now
        time.sleep(wait)
        return number

    def _bring(self, session: requests.Session, crop: Sending) -> None:
        self.sent[crop.id] = crop.picture
        until, tries = time.monotonic() + self.patience, 0
        while time.monotonic() < until:
            answer, response = self.post(session, crop)
            self.answers.append(answer)
            if answer.status == 202:
                assert response.json()["accepted"] == [crop.id]
                self.accepted[crop.id] = answer.at + answer.seconds
                return
            assert answer.status in {NO_ANSWER, *LATER}, f"{answer.status}: {response.text[:500]}"
            told = response.headers.get("Retry-After") if response is not None else None
            tries += 1
            self._wait(told, tries)

    def _wait(self, told: str | None, tries: int) -> None:
        """Before the next try; `told`: the server's Retry-After."""
        time.sleep(float(told) if told else min(0.1 * 2**tries, 3))

"""What an operator's programs ask of the server: who somebody is, enrolment, training."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import quote

import requests

from edge_client import backoff
from edge_client.boxes import Box
from edge_client.server import RefusedError, Server, UnavailableError
from edge_client.settings import ConfigError

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

PATIENCE = 120.0  # seconds without an answer, until a program that somebody watches gives up


class LegalBasis(StrEnum):
    """Why a person's face may be held."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal-obligation"
    VITAL_INTERESTS = "vital-interests"
    PUBLIC_TASK = "public-task"
    LEGITIMATE_INTERESTS = "legitimate-interests"


class Verdict(StrEnum):
    """What became of an enrolment photo."""

    ACCEPTED = "accepted"
    KNOWN = "already there"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Identity:
    """A face in an image that was asked about: its box in pixels, who it is (None: unknown), and how surely (0-1)."""

    box: Box
    person: str | None
    probability: float


@dataclass(frozen=True, slots=True)
class Job:
    """Work that goes on at the server. `progress`: 0-1."""

    state: str
    progress: float
    message: str

    @property
    def has_ended(self) -> bool:
        return self.state in {"succeeded", "failed"}


class Cloud(Server):
    """A server as a key of the scope `operator` sees it; for `identify` any scope is enough.

    Every call raises RefusedError where the key is not accepted or not allowed to, and UnavailableError.
    """

    def identify(self, image: bytes) -> list[Identity]:
        """The faces of an image file, largest first; none where the image cannot be read."""
        response = self._allowed(
            "integration", "POST", "/face-recognition/get-results", {200, 422}, files={"image": image}
        )
        faces = self._json(response).get("faces", [])
        return [Identity(tuple(face["box"]), face["face_id"], face["probability"]) for face in faces]

    def has_person(self, person: str) -> bool:
        return self._allowed("operator", "GET", _dataset(person), {200, 404}).status_code == 200

    def create_person(self, person: str, basis: LegalBasis, since: date) -> bool:
        """False if the person is there already. Raises ConfigError where the server will not have such a person."""
        body = {"legal_basis": basis, "legal_basis_date": since.isoformat()}
        response = self._allowed("operator", "POST", _dataset(person), {201, 400, 409}, json=body)
        if response.status_code == 400:
            raise ConfigError(f"the server does not create {person!r}: {self._json(response).get('detail')}")
        return response.status_code == 201

    def add_photo(self, person: str, photo: bytes) -> tuple[Verdict, str]:
        """The verdict on an image file, and why one is refused."""
        wanted = {201, 400, 404, 409, 413, 422}
        response = self._allowed("operator", "POST", f"{_dataset(person)}/image", wanted, files={"image": photo})
        body = self._json(response)
        if response.status_code == 201:
            return Verdict.ACCEPTED, ""
        if body.get("type") == "duplicate-photo":
            return Verdict.KNOWN, ""
        return Verdict.REFUSED, str(body.get("detail") or body.get("title"))

    def train(self) -> str:
        """Have the server train from the photos it holds. Returns the job's id."""
        return str(self._json(self._allowed("operator", "POST", "/model/optimized-train", {202}))["job"])

    def job(self, job_id: str) -> Job:
        body = self._json(self._allowed("operator", "GET", f"/jobs/{job_id}", {200}))
        return Job(body["state"], body["progress"], body["message"])

    def _allowed(self, scope: str, method: str, path: str, wanted: set[int], **content: Any) -> requests.Response:
        try:
            return self.ask(method, path, wanted, **content)
        except RefusedError as error:
            raise RefusedError(f"{error}. Use an API key of the scope {scope}") from error


def patiently(ask: Callable[[], Answer], stop: threading.Event) -> Answer:
    """Ask until the server answers. Raises UnavailableError after PATIENCE seconds, or once `stop` is set."""
    until = time.monotonic() + PATIENCE
    delays = backoff.delays()
    while True:
        try:
            return ask()
        except UnavailableError as error:
            wait = max(next(delays), error.retry_after)
            if time.monotonic() + wait > until:
                raise
            log.warning("%s; trying again in %.1f s", error, wait)
            if stop.wait(wait):
                raise


def _dataset(person: str) -> str:
    return f"/dataset/{quote(person, safe='')}"

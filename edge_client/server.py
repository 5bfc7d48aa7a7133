"""What the edge says to a facesite server, and how it reads the answers."""

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from edge_client.config import CodecName
from edge_client.detector import Box

TIMEOUT = (5, 30)  # seconds to connect, seconds between bytes of the answer
MAX_BATCH = 32  # crops; at 160 pixels they stay far below the server's other limit of 8 MiB
_LONGEST_RETRY_AFTER = 600.0
_VERDICTS = {202, 400, 413, 422}  # what a server says about crops; 202 alone means that they are stored
_PAGES = 100  # of cameras, at most


class RefusedError(Exception):
    """The server will not serve this node until somebody changes something; the message says what."""


class UnavailableError(Exception):
    """No usable answer now. `retry_after`: seconds to wait at least, as the server asked."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crop:
    """One face on its way. `id` stays the same at every attempt, so that the server stores it once."""

    camera: str
    captured_at: datetime
    box: Box
    frame_size: tuple[int, int]
    track: str
    confidence: float
    image: bytes
    codec: CodecName
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def metadata(self) -> dict[str, object]:
        stamp = self.captured_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "id": self.id,
            "camera": self.camera,
            "captured_at": stamp,
            "box": [
                round(min(max(value, 0), end), 1) for value, end in zip(self.box, 2 * self.frame_size, strict=True)
            ],
            "frame_size": list(self.frame_size),
            "track": self.track,
            "confidence": round(self.confidence, 4),
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """The server's verdict on a batch: whether it was stored, why not, and the reasons for single crops, by id."""

    stored: bool
    reason: str
    rejected: dict[str, str]


class Server:
    """One server and one key, over one kept-alive connection. For one thread at a time."""

    def __init__(self, url: str, key: str) -> None:
        self._url = f"{url}/api/v1"
        self._session = requests.Session()
        self._session.headers["Accept"] = "application/json"

        # As `auth` and not as a header, which an entry in a .netrc file would override.
        def authorise(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = f"Bearer {key}"
            return request

        self._session.auth = authorise
        self.bytes_sent = 0

    def check_camera(self, camera: str) -> None:
        """Raises RefusedError unless the key works and the server knows the camera; UnavailableError."""
        known: list[str] = []
        query = ""
        for _ in range(_PAGES):
            body = self._json(self._ask("GET", "/cameras", {200}, params=query))
            known += [str(item.get("id")) for item in _dicts(body.get("results"))]
            if camera in known:
                return
            if not body.get("next"):
                break
            query = urlsplit(str(body["next"])).query  # its address may be one that only the server's proxy knows
        listed = ", ".join(sorted(known)[:10]) or "none"
        raise RefusedError(f"the server has no camera {camera!r} for this key; cameras: {listed}")

    def store(self, crops: Sequence[Crop]) -> Receipt:
        """Send one batch, MAX_BATCH crops at most. Raises RefusedError, UnavailableError."""
        metadata = json.dumps({"crops": [crop.metadata() for crop in crops]})
        parts: list[tuple[str, tuple[str | None, str | bytes, str]]] = [
            ("metadata", (None, metadata, "application/json")),
            *((crop.id, (f"{crop.id}.{crop.codec}", crop.image, f"image/{crop.codec}")) for crop in crops),
        ]
        response = self._ask("POST", "/face-recognition/store-results", _VERDICTS, files=parts)
        stored = response.status_code == 202
        body = self._json(response)
        rejected = {
            str(item.get("id")): _text(f"{item.get('code')}: {item.get('detail')}")
            for item in _dicts(body.get("rejected"))
        }
        return Receipt(stored, _text(body.get("detail") or body.get("title") or "no reason given"), rejected)

    def _ask(self, method: str, path: str, wanted: set[int], **content: Any) -> requests.Response:
        """An answer with one of the `wanted` statuses; any other is none, such as those of a proxy or a login page."""
        try:
            response = self._session.request(
                method, self._url + path, timeout=TIMEOUT, allow_redirects=False, **content
            )
        except requests.RequestException as error:
            raise UnavailableError(f"cannot reach {self._url}: {_cause(error)}") from error
        self.bytes_sent += int(response.request.headers.get("Content-Length", 0))
        status = response.status_code
        if status == 401:
            raise RefusedError("the server does not accept the API key: it is wrong or revoked (401)")
        if status == 403:
            raise RefusedError(f"the API key does not allow this (403): {_text(response.text)}")
        if status not in wanted:
            moved = f", moved to {_text(response.headers['Location'])}" if response.is_redirect else ""
            raise UnavailableError(f"{self._url}{path} answered {status}{moved}", _retry_after(response))
        return response

    def _json(self, response: requests.Response) -> dict[str, Any]:
        try:
            body = response.json()
        except requests.JSONDecodeError:
            body = None
        if isinstance(body, dict):
            return body
        if response.status_code == 413:  # often said by a proxy, in HTML
            return {"title": "the request is too large"}
        raise UnavailableError(f"{self._url} answered {response.status_code}, but not as a facesite server does")


def _retry_after(response: requests.Response) -> float:
    """Seconds, from either form of the header (RFC 9110, 10.2.3); 0 where it is absent or makes no sense."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return min(float(value), _LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value).timestamp()
    except ValueError:
        return 0.0
    return min(max(0.0, moment - time.time()), _LONGEST_RETRY_AFTER)


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    """Words of the server, fit for one line of a log."""
    return " ".join(str(value).split())[:200]


def _cause(error: BaseException) -> str:
    """The innermost reason: the outer ones repeat addresses and object names."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return _text(error)

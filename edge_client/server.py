"""What the edge says to a facesite server, and how it reads the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.util import SKIP_HEADER

from edge_client import bundle
from edge_client.bundle import Crop, TrackKey
from edge_client.clock import Clock, steady
from edge_client.onewrite import OneWriteAdapter

MAX_BATCH = 32  # crops
MAX_BATCH_BYTES = 256 * 1024
SLOWEST_LINK = 4000  # bytes per second: what is slower counts as broken
_CONNECT_S, _ANSWER_S = 10.0, 30.0
_LONGEST_RETRY_AFTER = 600.0
_STORED = {200, 202, 204}
_VERDICTS = {202, 204, 400, 409, 413, 422}  # what a server says about crops
_PAGES = 100  # of cameras, at most
STATES = {state[0]: state for state in ("named", "unknown", "pending", "refused")}  # of tracks, by their letters

__all__ = ["Crop", "NodeSettings", "Receipt", "RefusedError", "RemoteCamera", "Server", "UnavailableError"]


class RefusedError(Exception):
    """The server will not serve this node until somebody changes something; the message says what."""


class UnavailableError(Exception):
    """No usable answer now. `retry_after`: seconds to wait at least, as the server asked."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Receipt:
    """The server's verdict on a batch: whether it was stored, why not, the reasons for single crops by id; and what it
    knows of the tracks: one of STATES. `settings_version`: told where figures were sent.
    """

    stored: bool
    reason: str
    rejected: Mapping[str, str]
    tracks: Mapping[TrackKey, str] = field(default_factory=dict)
    settings_version: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteCamera:
    """A camera as the server has it. `settings`: only those that are set there, unchecked."""

    id: str
    name: str
    is_active: bool
    video_source: str = field(repr=False)  # it may hold a password
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """The node as the server has it."""

    name: str
    settings_version: str
    cameras: tuple[RemoteCamera, ...]


class Server:
    """One server and one key, over one kept-alive connection. For one thread at a time."""

    def __init__(self, url: str, key: str) -> None:
        self._url = f"{url}/api/v1"
        self._session = requests.Session()
        self._session.mount("http://", OneWriteAdapter())
        self._session.mount("https://", OneWriteAdapter())
        # Nothing that the server would not miss: on a thin link an empty scene is mostly headers.
        self._session.headers.clear()
        self._session.headers.update({"User-Agent": SKIP_HEADER, "Accept-Encoding": SKIP_HEADER})

        # As `auth` and not as a header, which an entry in a .netrc file would override.
        def authorise(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = f"Bearer {key}"
            return request

        self._session.auth = authorise
        self.clock = Clock()
        self._moment = 0.0, 0.0  # when the last answer was asked for, and when it came
        self.bytes_sent = 0

    def check_camera(self, camera: str) -> None:
        """Raises RefusedError unless the key works and the server knows the camera; UnavailableError."""
        known: list[str] = []
        query = ""
        for _ in range(_PAGES):
            body = self._json(self.ask("GET", "/cameras", {200}, params=query))
            known += [str(item.get("id")) for item in _dicts(body.get("results"))]
            if camera in known:
                return
            if not body.get("next"):
                break
            query = urlsplit(str(body["next"])).query  # its address may be one that only the server's proxy knows
        listed = ", ".join(sorted(known)[:10]) or "none"
        raise RefusedError(f"the server has no camera {camera!r} for this key; cameras: {listed}")

    def node(self) -> NodeSettings:
        """The node's cameras and their settings. Raises RefusedError (also for a key of no node), UnavailableError."""
        response = self.ask("GET", "/edge/node", {200, 404})
        body = self._json(response)
        if response.status_code == 404:
            raise RefusedError(_text(body.get("detail") or "the server knows no edge nodes"))
        cameras = (
            RemoteCamera(
                id=str(item.get("id")),
                name=str(item.get("name")),
                is_active=bool(item.get("is_active")),
                video_source=str(item.get("video_source") or ""),
                settings=item["settings"] if isinstance(item.get("settings"), dict) else {},
            )
            for item in _dicts(body.get("cameras"))
        )
        return NodeSettings(str(body.get("name")), str(body.get("settings_version")), tuple(cameras))

    def store(
        self,
        crops: Sequence[Crop],
        beats: Mapping[TrackKey, datetime] | None = None,
        node: Mapping[str, object] | None = None,
        *,
        dry_run: bool = False,
    ) -> Receipt:
        """Send one batch, MAX_BATCH crops at most, with what else there is to say. Raises RefusedError,
        UnavailableError.
        """
        path = "/face-recognition/dry-run" if dry_run else "/edge/crops"
        return self._say(path, _VERDICTS, crops, beats, node)

    def heartbeat(self, beats: Mapping[TrackKey, datetime], node: Mapping[str, object]) -> Receipt:
        """Say that the node is there, and who still is before it. Raises RefusedError, UnavailableError."""
        return self._say("/edge/heartbeat", {200, 204}, (), beats, node)

    def _say(
        self,
        path: str,
        wanted: set[int],
        crops: Sequence[Crop],
        beats: Mapping[TrackKey, datetime] | None,
        node: Mapping[str, object] | None,
    ) -> Receipt:
        tracks, data = bundle.pack(crops, beats, node)
        response = self.ask("POST", path, wanted, data=data)
        letters = response.headers.get("Tracks", "")
        if response.content or len(letters) < len(tracks):
            body = self._json(response)
        else:
            body = {}
            if response.headers.keys() & {"Tracks", "Settings"}:
                self._read_clock(response)
        rejected = {
            str(item.get("id")): _text(f"{item.get('code')}: {item.get('detail')}")
            for item in _dicts(body.get("rejected"))
        }
        known = {track: STATES[letter] for track, letter in zip(tracks, letters, strict=False) if letter in STATES}
        reason = _text(body.get("detail") or body.get("title") or "no reason given")
        return Receipt(response.status_code in _STORED, reason, rejected, known, response.headers.get("Settings"))

    def ask(self, method: str, path: str, wanted: set[int], **content: Any) -> requests.Response:
        """An answer with one of the `wanted` statuses; any other is none, such as those of a proxy or a login page.

        `path` follows `/api/v1`; `content` is what `requests` takes. Raises RefusedError (401, 403), UnavailableError.
        """
        request = self._session.prepare_request(requests.Request(method, self._url + path, **content))
        surroundings = self._session.merge_environment_settings(request.url, {}, None, None, None)
        patience = len(request.body or b"") / SLOWEST_LINK
        # The first of the two also limits how long the body may take: Python counts the whole of `sendall`.
        timeout = (_CONNECT_S + patience, _ANSWER_S + patience)
        asked = steady()
        try:
            response = self._session.send(request, timeout=timeout, allow_redirects=False, **surroundings)
        except requests.RequestException as error:
            raise UnavailableError(f"cannot reach {self._url}: {_cause(error)}") from error
        self._moment = asked, steady()
        self.bytes_sent += _length(request)
        status = response.status_code
        if status == 401:
            raise RefusedError("the server does not accept the API key: it is wrong or revoked (401)")
        if status == 403:
            raise RefusedError(f"the API key does not allow this (403): {_text(response.text)}")
        if status not in wanted:
            moved = f", moved to {_text(response.headers['Location'])}" if response.is_redirect else ""
            raise UnavailableError(f"{self._url}{path} answered {status}{moved}", _retry_after(response))
        return response

    def _read_clock(self, response: requests.Response) -> None:
        """Of an answer that is surely the server's: a login page or a router on the way may have any time."""
        self.clock.heard(response.headers.get("Date", ""), *self._moment)

    def _json(self, response: requests.Response) -> dict[str, Any]:
        try:
            body = response.json()
        except requests.JSONDecodeError:
            body = None
        if isinstance(body, dict):
            self._read_clock(response)
            return body
        if response.status_code == 413:  # often said by a proxy, in HTML
            return {"title": "the request is too large"}
        raise UnavailableError(f"{self._url} answered {response.status_code}, but not as a facesite server does")


def _length(request: requests.PreparedRequest) -> int:
    """Bytes of a request: its first line, headers and body."""
    fields = sum(len(name) + len(value) + 4 for name, value in request.headers.items())
    return len(f"{request.method} {request.path_url} HTTP/1.1\r\n") + fields + 2 + len(request.body or b"")


def _retry_after(response: requests.Response) -> float:
    """Seconds, from either form of the header (RFC 9110, 10.2.3); 0 where it is absent or makes no sense."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return min(float(value), _LONGEST_RETRY_AFTER)
    try:
        # Both dates are the server's: this node's clock may be wrong.
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(response.headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(0.0, wait.total_seconds()), _LONGEST_RETRY_AFTER)


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

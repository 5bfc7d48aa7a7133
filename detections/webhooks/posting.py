"""Posts to strangers' servers: many at once in one thread, each bounded in time and in what is read of its answer."""

import socket
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pycurl
from django.conf import settings

from detections.webhooks.addresses import may_connect

# For all of it: name, connection, TLS, request and answer. A server that is slower should take first and work later.
TIMEOUT_MS = 5_000
# Of the answer's text, which nobody looks at: so much that a connection with a short one can be used again.
MAX_ANSWER_BYTES = 16 * 2**10
_REASONS = {
    pycurl.E_COULDNT_RESOLVE_HOST: "Its name cannot be found.",
    pycurl.E_COULDNT_CONNECT: "It could not be reached.",
    pycurl.E_OPERATION_TIMEDOUT: f"It did not answer within {TIMEOUT_MS // 1000} seconds.",
    pycurl.E_PEER_FAILED_VERIFICATION: "Its certificate is not to be trusted.",
    pycurl.E_SSL_CONNECT_ERROR: "No TLS connection came about.",
}


@dataclass(frozen=True)
class Outcome:
    """What became of one request. `status`: None if no answer came; `error`: empty if it was taken."""

    status: int | None
    error: str
    seconds: float


class Poster:
    """Requests under way. Not for several threads at once."""

    def __init__(self) -> None:
        self._multi = pycurl.CurlMulti()
        self._running: dict[pycurl.Curl, _Request] = {}

    def start(self, key: Hashable, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Begin to post; `finished` will tell under this key how it went."""
        request = _Request(key, url, headers, body)
        self._running[request.curl] = request
        self._multi.add_handle(request.curl)

    def finished(self, wait_s: float = 0.2) -> list[tuple[Hashable, Outcome]]:
        """Let the requests go on, and wait a little for news; returns those that have come to an end."""
        if self._multi.perform()[1] == len(self._running):
            self._multi.select(wait_s)
            self._multi.perform()
        _, succeeded, failed = self._multi.info_read(len(self._running) or 1)
        ended = [(curl, 0) for curl in succeeded] + [(curl, code) for curl, code, _ in failed]
        outcomes = []
        for curl, code in ended:
            request = self._running.pop(curl)
            self._multi.remove_handle(curl)
            outcomes.append((request.key, request.outcome(code)))
            curl.close()
        return outcomes


class _Request:
    def __init__(self, key: Hashable, url: str, headers: Mapping[str, str], body: bytes) -> None:
        self.key = key
        self._scheme = urlsplit(url).scheme
        self._refused = ""
        self._may_read = MAX_ANSWER_BYTES
        self.curl = curl = pycurl.Curl()
        curl.setopt(pycurl.URL, url.encode())
        curl.setopt(pycurl.POSTFIELDS, body)
        # Nor "Expect": a server that does not know it would cost a second.
        curl.setopt(pycurl.HTTPHEADER, [*(f"{name}: {value}" for name, value in headers.items()), "Expect:"])
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        # A proxy of the environment would connect where this process may not.
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        curl.setopt(pycurl.CAINFO, settings.WEBHOOK_CA_FILE)
        curl.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
        curl.setopt(pycurl.TIMEOUT_MS, TIMEOUT_MS)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.WRITEFUNCTION, self._take)

    def outcome(self, code: int) -> Outcome:
        """How it went, once libcurl is done with it and says `code`."""
        seconds = self.curl.getinfo(pycurl.TOTAL_TIME)
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        # An answer counts even if its text was cut short. A redirect is not followed: nobody has taken the event.
        if status >= 200:
            return Outcome(status, "" if status < 300 else f"The server answered {status}.", seconds)
        reason = _REASONS.get(code, f"The request failed ({code}: {self.curl.errstr()})."[:200])
        return Outcome(None, self._refused or reason, seconds)

    def _open_socket(self, purpose: int, address: pycurl.CurlSockAddr) -> socket.socket | int:
        if address.family in {socket.AF_INET, socket.AF_INET6}:
            host = address.addr[0]
            if may_connect(host, self._scheme):
                self._refused = ""
                return socket.socket(address.family, address.socktype, address.protocol)
            self._refused = f"{host} may not be connected to ({self._scheme}): see WEBHOOK_ALLOWED_NETWORKS."
        return pycurl.SOCKET_BAD

    def _take(self, part: bytes) -> int:
        self._may_read -= len(part)
        return len(part) if self._may_read >= 0 else 0

"""A link to a server that a test can cut, and make slow."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from tests.servers import free_port


class Link:
    """Forwards connections to a server. Cut, it refuses new ones and breaks those there are."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.port = free_port()
        self.delay = 0.0  # seconds before each piece of a request goes on
        self._target = target
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        if self._listener:
            _close(self._listener)
            self._listener = None
        with self._lock:
            for connection in self._open:
                _close(connection)
            self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._target)
                with self._lock:
                    self._open |= {near, far}
                for source, sink, is_request in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._pump, args=(source, sink, is_request), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, is_request: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if is_request:
                    time.sleep(self.delay)
                sink.sendall(data)
        for end in (source, sink):
            _close(end)
        with self._lock:
            self._open -= {source, sink}


@contextmanager
def link_to(url: str) -> Iterator[tuple[Link, str]]:
    """A link to the S3 server of a STORAGE_URL, and the STORAGE_URL that goes through it."""
    endpoint = urlsplit(url.partition("endpoint_url=")[2].partition("&")[0])
    link = Link((endpoint.hostname, endpoint.port))
    link.mend()
    try:
        yield link, url.replace(endpoint.netloc, f"127.0.0.1:{link.port}")
    finally:
        link.cut()


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()

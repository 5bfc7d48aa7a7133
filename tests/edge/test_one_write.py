"""A request leaves in one piece: head and body in one write, one TLS record, one packet where they fit."""

from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
import requests

from edge_client.onewrite import OneWriteAdapter


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Echo)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def writes(address: str, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What each write to the server was."""
    port = urlsplit(address).port
    written: list[bytes] = []
    send = HTTPConnection.send

    def note(connection: HTTPConnection, data: bytes) -> None:
        if connection.port == port:
            written.append(data)
        send(connection, data)

    monkeypatch.setattr(HTTPConnection, "send", note)
    return written


@pytest.mark.parametrize("body", [b"crop", b"ends like a head\r\n\r\n", b"\r\n\r\n", b"x" * 100_000])
def test_head_and_body_are_one_write_however_the_body_ends(address: str, writes: list[bytes], body: bytes) -> None:
    with requests.Session() as session:
        session.mount("http://", OneWriteAdapter())
        for _ in range(2):  # the second on the kept connection
            assert session.post(address, data=body, timeout=10).content == body
    assert len(writes) == 2
    assert all(data.startswith(b"POST / HTTP/1.1\r\n") and data.endswith(b"\r\n\r\n" + body) for data in writes)


def test_a_request_without_a_body_is_sent_too(address: str, writes: list[bytes]) -> None:
    with requests.Session() as session:
        session.mount("http://", OneWriteAdapter())
        assert session.get(address, headers={"Content-Length": "0"}, timeout=10).content == b""
    assert len(writes) == 1

"""Bytes on the wire are counted in both directions, through real TLS, and bundles are told apart into their parts."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from bench.wire import Address, Certificate, Request, handshake_bytes, link, parse
from edge_client import bundle
from edge_client.bundle import Crop

ANSWER = b"x" * 5000


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Address]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        serving.daemon_threads = True
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving.server_address
        serving.shutdown()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("certificate"))


def trusted(certificate: Certificate) -> str:
    return str(certificate.certificate)


def crop(image: bytes) -> Crop:
    return Crop(camera="gate", captured_at=datetime(2026, 1, 1, tzinfo=UTC), image=image, codec="webp", track="a1")


def http(body: bytes, path: str = "/api/v1/edge/crops") -> tuple[bytes, bytes]:
    head = f"POST {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode(), head.encode() + body


def test_everything_said_over_tls_is_counted_with_what_tls_adds(server: Address, certificate: Certificate) -> None:
    with link(server, certificate) as line, requests.Session() as session:
        for _ in range(3):
            assert session.post(line.url, data=b"y" * 2000, verify=trusted(certificate), timeout=10).content == ANSWER
        assert line.connections == 1
        assert [one.body for one in line.requests()] == [2000] * 3
        plain = line.plain.up + line.plain.down
        assert plain > 3 * (2000 + len(ANSWER))
        assert plain < line.bytes < plain + 6000


def test_one_handshake_costs_as_much_as_opening_a_connection_does(server: Address, certificate: Certificate) -> None:
    alone = handshake_bytes(certificate, server)
    assert 1000 < alone < 5000
    with link(server, certificate) as line:
        requests.post(line.url, data=b"", verify=trusted(certificate), timeout=10)
        records = 22 * 2 * len(line.requests()) + 22 * 2  # TLS 1.3 adds 22 bytes to each
        assert line.bytes - line.plain.up - line.plain.down == pytest.approx(alone, abs=records)


def test_who_does_not_trust_the_certificate_sends_nothing(server: Address, certificate: Certificate) -> None:
    with link(server, certificate) as line:
        with pytest.raises(requests.exceptions.SSLError):
            requests.post(line.url, data=b"secret", timeout=10)
        assert line.requests() == []


def test_a_server_that_is_gone_ends_the_connection(certificate: Certificate) -> None:
    with link(("127.0.0.1", 1), certificate) as line, pytest.raises(requests.ConnectionError):
        requests.post(line.url, data=b"", verify=trusted(certificate), timeout=10)


@given(st.lists(st.lists(st.binary(max_size=300), max_size=4), max_size=4))
def test_requests_of_one_connection_are_told_apart_into_head_metadata_and_images(batches: list[list[bytes]]) -> None:
    said, wanted = b"", []
    for images in batches:
        _, body = bundle.pack([crop(image) for image in images])
        head, whole = http(body)
        said += whole
        wanted.append(Request(len(head), len(body), len(images), sum(map(len, images))))
    assert list(parse(said)) == wanted


def test_other_requests_hold_no_images_and_one_cut_off_is_counted_as_far_as_it_came() -> None:
    head, whole = http(b"z" * 50, "/api/v1/dataset/ada")
    assert list(parse(whole + whole[:-20])) == [Request(len(head), 50), Request(len(head), 30)]
    get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert list(parse(get * 2)) == [Request(len(get), 0)] * 2
    _, body = bundle.pack([crop(b"image")])
    head, whole = http(body)
    assert list(parse(whole[:-1])) == [Request(len(head), len(body) - 1)]

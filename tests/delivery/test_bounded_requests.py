"""One request costs a bounded time and a bounded answer, whatever the receiver does; and HTTPS proves who it is."""

import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from detections.webhooks import posting
from detections.webhooks.posting import Outcome, Poster

TIMEOUT_S = 0.6


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "TIMEOUT_MS", round(TIMEOUT_S * 1000))


@pytest.fixture
def talk() -> Iterator[Callable[..., int]]:
    """Starts a server that does with each connection what it is told; returns the port."""
    stop = threading.Event()
    listeners = []

    def start(answer: Callable[[socket.socket, threading.Event], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        answer(connection, stop)

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1]

    yield start
    stop.set()
    for listener in listeners:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def post(*urls: str) -> dict[str, Outcome]:
    poster, outcomes = Poster(), {}
    for url in urls:
        poster.start(url, url, {"content-type": "application/json"}, b"{}")
    while len(outcomes) < len(urls):
        outcomes |= dict(poster.finished())
    return outcomes


def drip(connection: socket.socket, stop: threading.Event, start: bytes, bit: bytes) -> None:
    connection.sendall(start)
    while not stop.wait(0.05):
        connection.sendall(bit)


def silent(connection: socket.socket, stop: threading.Event) -> None:
    stop.wait()


def slow_headers(connection: socket.socket, stop: threading.Event) -> None:
    drip(connection, stop, b"HTTP/1.1 200 O", b"K")


def endless_headers(connection: socket.socket, stop: threading.Event) -> None:
    drip(connection, stop, b"HTTP/1.1 500 No\r\n", b"X-Drip: drip\r\n")


def slow_body(connection: socket.socket, stop: threading.Event) -> None:
    drip(connection, stop, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b".")


@pytest.mark.parametrize(
    ("behaviour", "status", "error"),
    [
        (silent, None, "did not answer within"),
        (slow_headers, None, "did not answer within"),
        (endless_headers, 500, "500"),
        (slow_body, 200, ""),
    ],
)
def test_a_receiver_that_hangs_costs_the_time_limit_at_most(
    talk: Callable[..., int], behaviour: Callable, status: int | None, error: str
) -> None:
    url = f"http://127.0.0.1:{talk(behaviour)}/"
    outcome = post(url)[url]
    assert outcome.status == status
    assert error in outcome.error
    assert bool(error) == bool(outcome.error)
    assert TIMEOUT_S * 0.9 < outcome.seconds < TIMEOUT_S + 5


def test_many_that_hang_cost_no_more_than_one(talk: Callable[..., int]) -> None:
    urls = [f"http://127.0.0.1:{talk(silent)}/{index}" for index in range(16)]
    begun = time.monotonic()
    outcomes = post(*urls)
    assert time.monotonic() - begun < TIMEOUT_S * 8
    assert all("did not answer" in outcome.error for outcome in outcomes.values())


def test_of_a_long_answer_only_its_beginning_is_read(talk: Callable[..., int]) -> None:
    sent = []

    def shout(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while len(sent) < 1000:
            sent.append(connection.send(bytes(2**20)))

    url = f"http://127.0.0.1:{talk(shout)}/"
    outcome = post(url)[url]
    assert (outcome.status, outcome.error) == (200, "")
    assert sum(sent) < 50 * 2**20, "what fits into the buffers between the two"


def test_what_is_no_http_is_an_error(talk: Callable[..., int]) -> None:
    url = f"http://127.0.0.1:{talk(lambda connection, _: connection.sendall(b'SSH-2.0-OpenSSH_9.2'))}/"
    assert "The request failed" in post(url)[url].error


def test_a_connection_with_short_answers_is_used_again(talk: Callable[..., int]) -> None:
    connections = []

    def answer(connection: socket.socket, stop: threading.Event) -> None:
        connections.append(connection)
        while connection.recv(65536):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    url = f"http://127.0.0.1:{talk(answer)}/"
    poster, count = Poster(), 0
    for _ in range(3):
        poster.start(url, url, {}, b"{}")
        while not (done := poster.finished()):
            pass
        count += done[0][1].status == 200
    assert (count, len(connections)) == (3, 1)


def certify(folder: Path, address: str) -> tuple[Path, Path]:
    """Files with a certificate for this address, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(hours=1))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    (folder / "certificate").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key_text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key").write_bytes(key_text)
    return folder / "certificate", folder / "key"


@pytest.mark.parametrize(
    ("certified", "trusted", "error"),
    [("127.0.0.1", True, ""), ("127.0.0.1", False, "not to be trusted"), ("127.0.0.9", True, "not to be trusted")],
)
def test_https_tells_nothing_to_whom_the_certificate_does_not_name(
    talk: Callable[..., int], tmp_path: Path, settings: object, certified: str, trusted: bool, error: str
) -> None:
    certificate, key = certify(tmp_path, certified)
    if trusted:
        settings.WEBHOOK_CA_FILE = str(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    heard = []

    def answer(connection: socket.socket, stop: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            heard.append(secure.recv(65536))
            secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    url = f"https://127.0.0.1:{talk(answer)}/"
    outcome = post(url)[url]
    assert error in outcome.error
    assert bool(heard and heard[0]) == (not error) == (outcome.status == 204)

"""The load generator sends what it should and counts what it says."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench import load
from bench.load import Load, run
from bench.server import question


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "WARM_UP_S", 0.2)
    monkeypatch.setattr(load, "PAUSE_S", 0.05)


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler, bytes], int]) -> Iterator[tuple[str, int]]:
    """`answer` gets the handler and the body, and gives the status."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status = answer(self, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *arguments: object) -> None:
            pass

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving.daemon_threads = True
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    try:
        yield serving.server_address
    finally:
        serving.shutdown()
        serving.server_close()


def requests_to(address: tuple[str, int]) -> list[bytes]:
    return [question(f"http://{address[0]}:{address[1]}", "fs_a_b", photo) for photo in (b"one", b"two")]


def test_a_question_is_a_whole_multipart_request_with_the_key() -> None:
    seen = []

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> int:
        seen.append((handler.path, handler.headers["Authorization"], body))
        return 200

    with server(answer) as address:
        run(Load(address, requests_to(address), connections=1, seconds=0.2))
    path, key, body = seen[0]
    assert path == "/api/v1/face-recognition/get-results"
    assert key == "Bearer fs_a_b"
    assert b'name="image"' in body
    assert b"one" in body


def test_every_connection_waits_for_its_answer_before_it_asks_again() -> None:
    def answer(*_: object) -> int:
        time.sleep(0.1)
        return 200

    with server(answer) as address:
        answers = run(Load(address, requests_to(address), connections=4, seconds=1))
    assert 10 <= answers.statuses[200] <= 40
    assert answers.percentiles_ms()["p50_ms"] >= 100
    assert 0 < answers.cpu_s < 1


def test_requests_that_are_due_do_not_wait_for_earlier_answers_and_count_from_when_they_were_due() -> None:
    def answer(*_: object) -> int:
        time.sleep(0.2)
        return 200

    with server(answer) as address:
        free = run(Load(address, requests_to(address), connections=32, seconds=1, rate=50))
        queued = run(Load(address, requests_to(address), connections=2, seconds=0.8, rate=20))
    assert 25 <= free.statuses[200] <= 80
    assert free.percentiles_ms()["p50_ms"] < 1000  # 10 s of work
    assert queued.percentiles_ms()["p50_ms"] > 400


def test_refusals_and_broken_connections_are_counted_and_are_no_latencies() -> None:
    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> int:
        if b"two" in body:
            handler.connection.shutdown(socket.SHUT_RDWR)
        return 503

    with server(answer) as address:
        answers = run(Load(address, requests_to(address), connections=2, seconds=0.5))
    assert set(answers.statuses) == {0, 503}
    assert answers.latencies == []
    assert answers.percentiles_ms() == {}

"""A real HTTP server that speaks the crop API, records what it gets, and misbehaves on request."""

import email.parser
import email.policy
import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

KEY = "edge-test-key"
JOB = {"job": "7f2c1f8e-0000-4000-8000-000000000000", "job_url": "/api/v1/jobs/7f2c"}


@dataclass
class Upload:
    crops: list[dict]
    images: dict[str, bytes]
    types: dict[str, str]

    @property
    def ids(self) -> list[str]:
        return [crop["id"] for crop in self.crops]


@dataclass
class Reply:
    """What to answer instead of 202. Status 0 closes the connection without an answer."""

    status: int
    body: dict | str = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


Answer = Reply | Callable[[Upload], Reply]


class FakeServer(ThreadingHTTPServer):
    """`uploads` are all requests, `stored` the accepted crops by id; `answers` are used up first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.uploads: list[Upload] = []
        self.stored: dict[str, dict] = {}
        self.images: dict[str, bytes] = {}
        self.answers: deque[Answer] = deque()
        self.connections = 0
        self.cameras = ["entrance"]
        self.page_size = 50


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeServer

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def log_message(self, *args) -> None:
        pass

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if self._authorised() and path == "/api/v1/cameras":
            page = int(query.removeprefix("page=") or 1)
            size = self.server.page_size
            found = self.server.cameras[(page - 1) * size : page * size]
            more = page * size < len(self.server.cameras)
            results = [{"id": camera, "name": camera.title()} for camera in found]
            self._send(Reply(200, {"results": results, "next": f"?page={page + 1}" if more else None}))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._authorised():
            return
        upload = parse_upload(self.headers["Content-Type"], raw)
        self.server.uploads.append(upload)
        reply = self.server.answers.popleft() if self.server.answers else Reply(202)
        if callable(reply):
            reply = reply(upload)
        if reply.status == 202 and isinstance(reply.body, dict):
            rejected = {item["id"] for item in reply.body.get("rejected", [])}
            accepted = {crop["id"]: crop for crop in upload.crops if crop["id"] not in rejected}
            self.server.stored |= accepted
            self.server.images |= {crop: upload.images[crop] for crop in accepted}
            reply.body = {**JOB, "accepted": list(accepted), "rejected": [], **reply.body}
        self._send(reply)

    def _authorised(self) -> bool:
        if self.headers["Authorization"] == f"Bearer {KEY}":
            return True
        self._send(Reply(401, {"type": "not_authenticated", "title": "Not authenticated", "detail": "unknown key"}))
        return False

    def _send(self, reply: Reply) -> None:
        if reply.status == 0:
            self.close_connection = True
            return
        body = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def parse_upload(content_type: str, raw: bytes) -> Upload:
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        f"Content-Type: {content_type}\r\n\r\n".encode() + raw
    )
    parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
    crops = json.loads(parts.pop("metadata").get_payload(decode=True))["crops"]
    images = {name: part.get_payload(decode=True) for name, part in parts.items()}
    return Upload(crops, images, {name: part.get_content_type() for name, part in parts.items()})


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()
    thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield fake
    fake.shutdown()
    fake.server_close()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "edge.key"
    path.write_text(f"{KEY}\n")
    return path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """30 frames at 10 per second; the grey level of frame n is 8 n."""
    path = tmp_path / "grey.mp4"
    write_video(path, levels=range(30), fps=10)
    return path


def write_video(path: Path, *, levels: Iterable[int], fps: float) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (160, 120))
    for level in levels:
        writer.write(np.full((120, 160, 3), 8 * level, np.uint8))
    writer.release()


class QuietFiles(SimpleHTTPRequestHandler):
    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def web_root(tmp_path: Path) -> Iterator[str]:
    """Address under which the files of the test's folder are served."""
    files = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietFiles, directory=tmp_path))
    threading.Thread(target=files.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{files.server_port}"
    files.shutdown()
    files.server_close()

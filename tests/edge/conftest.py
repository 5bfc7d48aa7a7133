"""A real HTTP server that speaks the crop API, records what it gets, and misbehaves on request."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from detections.api.unpacking import unpack

KEY = "edge-test-key"


@dataclass
class Upload:
    """One request. Crops by the names of the API; `beats` by (camera, track); `node`: the node's figures."""

    crops: list[dict]
    images: dict[str, bytes]
    tracks: list[tuple[str, str]]
    beats: dict[tuple[str, str], str]
    node: dict | None
    headers: dict[str, str]

    @property
    def types(self) -> dict[str, str]:
        return {name: "image/webp" if b"WEBP" in data[:16] else "image/jpeg" for name, data in self.images.items()}

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
    """`uploads` are all requests with crops, `stored` the accepted crops by id; `answers` to these are used up first.

    `heartbeats` are the other requests; `named` are tracks that the server says to have named.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.uploads: list[Upload] = []
        self.heartbeats: list[Upload] = []
        self.named: set[tuple[str, str]] = set()
        self.settings_version = "1"
        self.stranger = False  # whether a router on the way answers heartbeats in its place
        self.dates: list[str] = []  # for the headers `Date` of the next answers
        self.stored: dict[str, dict] = {}
        self.images: dict[str, bytes] = {}
        self.answers: deque[Answer] = deque()
        self.connections = 0
        self.cameras = ["entrance"]
        self.camera_settings: dict[str, dict] = {}
        self.page_size = 50


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeServer

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def log_message(self, *args) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.server.dates.pop(0) if self.server.dates else super().date_time_string(timestamp)

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if not self._authorised():
            return
        if path == "/api/v1/edge/node":
            cameras = [
                {
                    "id": camera,
                    "name": camera.title(),
                    "is_active": True,
                    "video_source": "",
                    "settings": self.server.camera_settings.get(camera, {}),
                }
                for camera in self.server.cameras
            ]
            version = self.server.settings_version
            self._send(Reply(200, {"name": "node", "settings_version": version, "cameras": cameras}))
        elif path == "/api/v1/cameras":
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
        upload = parse_upload(dict(self.headers), raw)
        news = {"Tracks": "".join("n" if track in self.server.named else "p" for track in upload.tracks)}
        if upload.node is not None:
            news["Settings"] = self.server.settings_version
        if self.path == "/api/v1/edge/heartbeat":
            self.server.heartbeats.append(upload)
            self._send(Reply(204) if self.server.stranger else Reply(200, headers=news))
            return
        self.server.uploads.append(upload)
        reply = self.server.answers.popleft() if self.server.answers else Reply(202)
        if callable(reply):
            reply = reply(upload)
        if reply.status == 202 and isinstance(reply.body, dict):
            rejected = {item["id"] for item in reply.body.get("rejected", [])}
            accepted = {crop["id"]: crop for crop in upload.crops if crop["id"] not in rejected}
            self.server.stored |= accepted
            self.server.images |= {crop: upload.images[crop] for crop in accepted}
            reply.headers = news | reply.headers
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
        body = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body) if reply.body else "").encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def parse_upload(headers: dict[str, str], raw: bytes) -> Upload:
    assert "Content-Type" not in headers
    said = unpack(raw)
    tracks = [tuple(track) for track in said["tracks"]]
    images = {crop["id"]: crop.pop("image") for crop in said["crops"]}
    crops = [crop | {"captured_at": told(crop["captured_at"])} for crop in said["crops"]]
    beats = {tracks[track]: told(at) for track, at in said["beats"]}
    return Upload(crops, images, tracks, beats, said.get("node"), headers)


def told(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


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


def write_video(path: Path, *, levels: Iterable[int], fps: float, width: int = 160, height: int = 120) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height))
    for level in levels:
        writer.write(np.full((height, width, 3), 8 * level, np.uint8))
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


class MultipartJpeg(BaseHTTPRequestHandler):
    """A camera as many are: JPEG pictures one after the other, without end."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        picture = cv2.imencode(".jpg", np.full((120, 160, 3), 90, np.uint8))[1].tobytes()
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n".encode()
        with suppress(ConnectionError):
            while True:
                self.wfile.write(head + picture + b"\r\n")
                time.sleep(0.02)

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def mjpeg() -> Iterator[str]:
    """Address of a camera that streams JPEG pictures."""
    camera = ThreadingHTTPServer(("127.0.0.1", 0), MultipartJpeg)
    camera.daemon_threads = True
    threading.Thread(target=camera.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{camera.server_port}/video"
    camera.shutdown()
    camera.server_close()

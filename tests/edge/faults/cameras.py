"""Cameras of two kinds that can vanish, and come back at the same address."""

import subprocess
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.edge.faults import scene
from tests.servers import free_port

DEBIAN_PYTHON = "/usr/bin/python3"
HAVE_RTSP = "import gi; gi.require_version('GstRtspServer', '1.0')"


class RtspCamera:
    """A real RTSP server."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self.url = f"rtsp://viewer:secret@127.0.0.1:{self._port}/stream"
        self._video = scene.write_video(folder / "long.mp4", visits=40)

    def start(self) -> None:
        script = Path(__file__).with_name("rtsp_server.py")
        self.process = subprocess.Popen([DEBIAN_PYTHON, script, str(self._port), self._video])

    def vanish(self) -> None:
        self.process.kill()
        self.process.wait()


class MjpegCamera:
    """JPEG pictures one after the other, over HTTP."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self.url = f"http://viewer:secret@127.0.0.1:{self._port}/video.mjpeg"

    def start(self) -> None:
        pictures = scene.jpegs()
        on = self._on = threading.Event()
        on.set()

        class Stream(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                number = 0
                with suppress(ConnectionError):
                    while on.is_set():
                        picture = pictures[number % len(pictures)]
                        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                        self.wfile.write(head.encode() + picture + b"\r\n")
                        number += 1
                        time.sleep(1 / scene.FPS)

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", self._port), Stream)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def vanish(self) -> None:
        self._on.clear()
        self._http.shutdown()
        self._http.server_close()


def has_rtsp() -> bool:
    if not Path(DEBIAN_PYTHON).exists():
        return False
    return not subprocess.run([DEBIAN_PYTHON, "-c", HAVE_RTSP], check=False, capture_output=True).returncode

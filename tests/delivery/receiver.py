"""Real servers in threads: one that takes webhooks and answers as it is told, one that only notes who connects."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """What came in, and how to answer: each status in turn, the last one for ever."""

    statuses: list[int] = field(default_factory=lambda: [200])
    location: str = ""
    body: bytes = b""
    host: str = "127.0.0.1"
    delay_s: float = 0
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def start(self) -> ThreadingHTTPServer:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append((self.path, headers, body))
                time.sleep(receiver.delay_s)
                status = receiver.statuses.pop(0) if len(receiver.statuses) > 1 else receiver.statuses[0]
                self.send_response(status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", str(len(receiver.body)))
                self.end_headers()
                with suppress(ConnectionError):
                    self.wfile.write(receiver.body)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *args: object) -> None:
                """Quiet."""

        server = ThreadingHTTPServer((self.host, 0), Handler)
        self.url = f"http://{self.host}:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        return server


class Inside(socketserver.ThreadingTCPServer):
    """What must never be reached: any address of this machine, one port. Notes each connection."""

    address_family = socket.AF_INET6
    daemon_threads = True

    def __init__(self) -> None:
        self.connections: list[object] = []
        super().__init__(("::", 0), socketserver.BaseRequestHandler)
        self.port = self.server_address[1]

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def process_request(self, request: socket.socket, client_address: object) -> None:
        self.connections.append(client_address)
        self.shutdown_request(request)


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()

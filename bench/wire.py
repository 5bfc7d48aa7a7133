"""What two programs say to each other over TLS, counted in between as it goes over the wire."""

import asyncio
import re
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from urllib3.connection import HTTPSConnection

from detections.api.unpacking import unpack

Address = tuple[str, int]
HOST = "127.0.0.1"
_CROPS = re.compile(rb"POST \S*/edge/crops ")
_CHUNK = 65536
_TICKETS_S = 0.3  # a server's session tickets follow the handshake


class Relay:
    """Passes connections on to another address, in a thread of its own. `tls`: what comes in is decrypted.

    up, down: bytes of TCP payload (with `tls`, of what was in it) from and to those who connect. `said`: what each of
    them sent.
    """

    def __init__(self, target: Address, tls: ssl.SSLContext | None = None) -> None:
        self._target, self._tls = target, tls
        self.up = self.down = 0
        self.said: list[bytearray] = []
        self._open: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "Relay":
        self._thread.start()
        starting = asyncio.start_server(self._pass_on, HOST, 0, ssl=self._tls)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.append(writer)
        try:
            from_target, to_target = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            return
        self._open.append(to_target)
        said = bytearray()
        self.said.append(said)

        def heard(chunk: bytes) -> None:
            self.up += len(chunk)
            said.extend(chunk)

        def answered(chunk: bytes) -> None:
            self.down += len(chunk)

        await asyncio.gather(_pump(reader, to_target, heard), _pump(from_target, writer, answered))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Callable[[bytes], None]) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while chunk := await reader.read(_CHUNK):
            count(chunk)
            writer.write(chunk)
            await writer.drain()
    writer.close()


@dataclass(frozen=True)
class Certificate:
    """Files of a certificate for HOST that is its own authority."""

    certificate: Path
    key: Path

    @classmethod
    def make(cls, folder: Path) -> "Certificate":
        """Raises OSError or subprocess.CalledProcessError where OpenSSL's command is missing or fails."""
        made = cls(folder / "certificate.pem", folder / "certificate-key.pem")
        subject = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=IP:{HOST}"]
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
        files = ["-keyout", str(made.key), "-out", str(made.certificate)]
        subprocess.run(
            ["openssl", "req", "-x509", "-days", "2", *curve, *subject, *files], check=True, capture_output=True
        )
        return made

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass
class Link:
    """An https address that leads to a server, and what went over it."""

    wire: Relay
    plain: Relay
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"https://{HOST}:{self.wire.port}"

    @property
    def bytes(self) -> int:
        """All TCP payload, both ways."""
        return self.wire.up + self.wire.down

    @property
    def connections(self) -> int:
        return len(self.wire.said)

    def requests(self) -> list["Request"]:
        return [request for said in self.plain.said for request in parse(bytes(said))]


@contextmanager
def link(target: Address, certificate: Certificate) -> Iterator[Link]:
    """TLS ends in front of the server, as behind a proxy in production; the wire is counted before that."""
    with Relay(target, certificate.context()) as plain, Relay((HOST, plain.port)) as wire:
        yield Link(wire, plain)


@dataclass(frozen=True)
class Request:
    """Bytes of one request: its head, and of a bundle (edge_client.bundle) the metadata and the images."""

    head: int
    body: int
    crops: int = 0
    images: int = 0


def parse(said: bytes) -> Iterator[Request]:
    """The requests that were sent on one connection; the last may be cut off."""
    while said:
        head, end, said = said.partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        size = int(length[1]) if length else 0
        body, said = said[:size], said[size:]
        crops = images = 0
        if _CROPS.match(head) and len(body) == size:
            found = [len(crop["image"]) for crop in unpack(body)["crops"]]
            crops, images = len(found), sum(found)
        yield Request(len(head) + len(end), len(body), crops, images)


def handshake_bytes(certificate: Certificate, target: Address) -> int:
    """What one TLS handshake of the edge's HTTP library costs, session tickets included."""
    with link(target, certificate) as counted:
        connection = HTTPSConnection(HOST, counted.wire.port, ca_certs=str(certificate.certificate))
        connection.connect()
        time.sleep(_TICKETS_S)
        connection.close()
        return counted.bytes

"""Weights are taken from disk or over HTTPS only, up to a limit, and only if they are what their checksum says."""

import datetime as dt
import hashlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from recognition.packbuild.fetching import fetch

CONTENT = bytes(range(256)) * 8192  # 2 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MOST = 4 << 20


class Publisher(BaseHTTPRequestHandler):
    """`/weights` has the file, `/endless` never ends, `/elsewhere` sends on to plain HTTP."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/weights")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200 if self.path in {"/weights", "/endless"} else 404)
        if self.path == "/endless":
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                while True:
                    self.wfile.write(CONTENT)
            except OSError:
                return
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        """Silence."""


def certify(folder: Path) -> tuple[Path, Path]:
    """Files with a certificate for 127.0.0.1 and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(hours=1))
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    (folder / "certificate").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "certificate", folder / "key"


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An HTTPS server that this process trusts."""
    certificate, key = certify(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Publisher) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_download_shows_its_progress(publisher: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    fetch(f"{publisher}/weights", SHA256.upper(), tmp_path / "file", most=MOST)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert "1 of 2 MiB" in capsys.readouterr().out


@pytest.mark.parametrize("address", ["http://127.0.0.1/weights", "ftp://127.0.0.1/weights", "file:///etc/passwd"])
def test_other_addresses_than_https_are_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only files and https"):
        fetch(address, SHA256, tmp_path / "file", most=MOST)


def test_nor_may_https_lead_to_plain_http(publisher: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only files and https"):
        fetch(f"{publisher}/elsewhere", SHA256, tmp_path / "file", most=MOST)


def test_an_announced_size_beyond_the_limit_is_not_downloaded(publisher: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="more than 1 MiB"):
        fetch(f"{publisher}/weights", SHA256, tmp_path / "file", most=1 << 20)
    assert not (tmp_path / "file").stat().st_size


def test_a_download_without_end_is_cut_off_at_the_limit(publisher: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="more than 4 MiB"):
        fetch(f"{publisher}/endless", SHA256, tmp_path / "file", most=MOST)
    assert (tmp_path / "file").stat().st_size <= MOST + (1 << 20)


def test_what_is_not_there_or_not_trusted_says_what_to_do(
    publisher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"404.*give the file"):
        fetch(f"{publisher}/absent", SHA256, tmp_path / "file", most=MOST)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(ValueError, match=r"CERTIFICATE_VERIFY_FAILED.*give the file"):
        fetch(f"{publisher}/weights", SHA256, tmp_path / "file", most=MOST)


def test_other_content_is_refused(publisher: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"its SHA-256 is {SHA256}"):
        fetch(f"{publisher}/weights", "0" * 64, tmp_path / "file", most=MOST)


def test_a_file_is_copied_within_the_limit(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(CONTENT)
    fetch(str(tmp_path / "source"), SHA256, tmp_path / "file", most=MOST)
    assert (tmp_path / "file").read_bytes() == CONTENT
    with pytest.raises(ValueError, match="more than 1 MiB"):
        fetch(str(tmp_path / "source"), SHA256, tmp_path / "file", most=1 << 20)
    with pytest.raises(FileNotFoundError):
        fetch(str(tmp_path / "absent"), SHA256, tmp_path / "file", most=MOST)

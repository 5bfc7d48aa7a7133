"""Takes files from disk or over HTTPS, as long as they are what their checksum says."""

import hashlib
from pathlib import Path

import requests

_TIMEOUT_S = (10, 30)  # to connect, and between two pieces
_PIECE = 1 << 20


def fetch(source: str, sha256: str, target: Path, *, most: int) -> None:
    """Writes the file or https:// URL `source` to `target`, at most `most` bytes.

    Raises ValueError or OSError, which say what to do.
    """
    if "://" in source:
        _download(source, target, most)
    else:
        _copy(Path(source), target, most)
    with target.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != sha256.lower():
        raise ValueError(f"{source} is not the file that was meant: its SHA-256 is {found}, not {sha256}")


def _copy(source: Path, target: Path, most: int) -> None:
    _limit(str(source), source.stat().st_size, most)
    target.write_bytes(source.read_bytes())


def _download(url: str, target: Path, most: int) -> None:
    with requests.Session() as session, target.open("wb") as stream:
        # Neither the address nor what it redirects to may be anything but HTTPS.
        del session.adapters["http://"]
        try:
            with session.get(url, stream=True, timeout=_TIMEOUT_S) as answer:
                answer.raise_for_status()
                total = int(answer.headers.get("Content-Length", 0))
                _limit(url, total, most)
                for piece in answer.iter_content(_PIECE):
                    stream.write(piece)
                    _limit(url, stream.tell(), most)
                    _show(stream.tell(), total)
        except requests.exceptions.InvalidSchema as error:
            raise ValueError(f"{url}: only files and https:// addresses are taken") from error
        except requests.RequestException as error:
            raise ValueError(
                f"{url} could not be downloaded ({error}). Fetch it on another machine and give the file"
            ) from error


def _limit(source: str, size: int, most: int) -> None:
    if size > most:
        raise ValueError(f"{source} has more than {most >> 20} MiB, which no such file needs")


def _show(done: int, total: int) -> None:
    of_total = f" of {total / 2**20:.0f}" if total else ""
    print(f"\r  {done / 2**20:.0f}{of_total} MiB", end="" if done < total else "\n", flush=True)

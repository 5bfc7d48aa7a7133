"""A backup as one file: a gzipped tar whose last member, the manifest, has the checksum of every other."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

FORMAT = 1
MANIFEST = "manifest.json"
_CHUNK = 2**20


class ArchiveError(Exception):
    """The file is no backup, is damaged or of another version; the text says which."""


class Writer:
    """Members in the order in which they are added; the manifest is written by `finish`."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._sha256: dict[str, str] = {}

    def add(self, name: str, data: bytes) -> None:
        self.add_file(name, io.BytesIO(data), len(data))

    def add_file(self, name: str, file: IO[bytes], size: int) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        hashing = _Hashing(file)
        self._tar.addfile(member, hashing)
        self._sha256[name] = hashing.hexdigest()

    def finish(self, **facts: object) -> None:
        manifest = {"format": FORMAT, **facts, "sha256": self._sha256}
        self.add(MANIFEST, json.dumps(manifest, indent=1).encode())


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """A new file that only its owner can read; it has its name only once it is complete.

    Raises:
        FileExistsError: there is one of this name.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists.")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            # Most of it is pictures, which do not shrink.
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar:
                yield Writer(tar)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


class Reader:
    """An archive that was checked from end to end. `manifest`: the facts that the writer gave."""

    def __init__(self, path: Path) -> None:
        """Raises ArchiveError."""
        self._path = path
        found, manifest = {}, None
        try:
            for name, file in self.members():
                hashing = _Hashing(file)
                content = hashing.read() if name == MANIFEST else b""
                while hashing.read(_CHUNK):
                    pass
                found[name] = hashing.hexdigest()
                manifest = json.loads(content) if content else manifest
        except (OSError, EOFError, ValueError, tarfile.TarError) as error:
            raise ArchiveError(f"{path} is no backup, or is damaged: {error}") from error
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise ArchiveError(f"{path} is no backup of this version, or was cut short.")
        del found[MANIFEST]
        if found != manifest["sha256"]:
            raise ArchiveError(f"{path} is damaged: its parts are not those that were written.")
        self.manifest = manifest

    def members(self, prefix: str = "") -> Iterator[tuple[str, IO[bytes]]]:
        """Names, and contents to be read before the next is asked for."""
        with tarfile.open(self._path, "r:gz") as tar:
            for member in tar:
                if member.isfile() and member.name.startswith(prefix):
                    yield member.name, tar.extractfile(member)

    @property
    def names(self) -> list[str]:
        return list(self.manifest["sha256"])


class _Hashing:
    """Reads a file and hashes what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._hash.update(data)
        return data

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

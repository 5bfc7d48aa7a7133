"""Reads zips of photos: what is in them is judged by its name and size before anything is unpacked, and nothing is ever
unpacked to a disk.
"""

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from django.conf import settings

from people.importing.names import is_litter

PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# A photo is compressed already.
MOST_RATIO = 10
ENTRY = b"PK\x01\x02"
CHUNK = 2**20


class ArchiveError(Exception):
    """The archive cannot be taken as a whole; the text says why."""


@dataclass(frozen=True)
class Entry:
    """A file in an archive. `problem`: why it will not be unpacked; empty if it can be."""

    path: str
    problem: str
    unpack: Callable[[], bytes]


def entries(file: BinaryIO, size: int) -> list[Entry]:
    """The files of an archive of so many bytes, none of them unpacked yet.

    Raises:
        ArchiveError: it is no zip, or there is more in it than may be.
    """
    _count_first(file)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise ArchiveError("This is no zip, or a damaged one. Make it again.") from error
    infos = [info for info in archive.infolist() if not is_litter(_path(info))]
    if not infos:
        raise ArchiveError("There are no files in this zip.")
    if len(infos) > settings.MAX_IMPORT_PHOTOS:
        raise ArchiveError(_too_many(len(infos)))
    unpacked = sum(info.file_size for info in infos)
    if unpacked > min(settings.MAX_IMPORT_BYTES, MOST_RATIO * size + CHUNK):
        raise ArchiveError(
            f"What is in this zip would be {unpacked / 2**20:,.0f} MiB, unpacked from {size / 2**20:,.1f}. "
            f"Photos do not shrink like that, and {settings.MAX_IMPORT_BYTES // 2**20:,} MiB is the most that is taken."
        )
    return [_entry(archive, info) for info in infos]


def _count_first(file: BinaryIO) -> None:
    """Before the list of files is read, which takes memory for each of them: a small zip can list a million."""
    count = 0
    while chunk := file.read(CHUNK):
        count += chunk.count(ENTRY)
    file.seek(0)
    # Folders and litter are listed too.
    if count > 3 * settings.MAX_IMPORT_PHOTOS + 1000:
        raise ArchiveError(_too_many(count))


def _too_many(count: int) -> str:
    return (
        f"There are {count:,} files in this zip; {settings.MAX_IMPORT_PHOTOS:,} are taken at once. Make several of it."
    )


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    problem = ""
    if info.flag_bits & 0x1:
        problem = "It is locked with a password. Make the zip again without one."
    elif info.compress_type not in PLAIN:
        problem = "It is packed in a way that is not understood here. Make an ordinary zip."
    elif info.file_size > settings.MAX_IMAGE_BYTES:
        problem = f"The file is larger than {settings.MAX_IMAGE_BYTES // 2**20} MiB. Use a smaller copy."
    return Entry(_path(info), problem, lambda: _unpack(archive, info))


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Raises ArchiveError if it is not what the zip says."""
    try:
        with archive.open(info) as packed:
            return packed.read(settings.MAX_IMAGE_BYTES)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise ArchiveError("The file is damaged inside the zip. Make the zip again.") from error


def _path(info: zipfile.ZipInfo) -> str:
    """The name as it was written: some programs write UTF-8 without saying so, and all of it counts, also what follows
    a zero byte.
    """
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        try:
            return name.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return name

"""Reads zips of photos: what is in them is judged by its name and size before anything is unpacked, and nothing is ever
unpacked to a disk.
"""

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from people.enrolment import too_large
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
        raise ArchiveError(_("This is no zip, or a damaged one. Make it again.")) from error
    infos = [info for info in archive.infolist() if not is_litter(_path(info))]
    if not infos:
        raise ArchiveError(_("There are no files in this zip."))
    if len(infos) > settings.MAX_IMPORT_PHOTOS:
        raise ArchiveError(_too_many(len(infos)))
    unpacked = sum(info.file_size for info in infos)
    if unpacked > min(settings.MAX_IMPORT_BYTES, MOST_RATIO * size + CHUNK):
        raise ArchiveError(
            _(
                "What is in this zip would be %(unpacked)s MiB, unpacked from %(packed)s. Photos do not shrink like "
                "that, and %(most)s MiB is the most that is taken."
            )
            % {
                "unpacked": f"{unpacked / 2**20:,.0f}",
                "packed": f"{size / 2**20:,.1f}",
                "most": f"{settings.MAX_IMPORT_BYTES // 2**20:,}",
            }
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
    counts = {"count": f"{count:,}", "most": f"{settings.MAX_IMPORT_PHOTOS:,}"}
    return _("There are %(count)s files in this zip; %(most)s are taken at once. Make several of it.") % counts


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    problem = ""
    if info.flag_bits & 0x1:
        problem = _("It is locked with a password. Make the zip again without one.")
    elif info.compress_type not in PLAIN:
        problem = _("It is packed in a way that is not understood here. Make an ordinary zip.")
    elif info.file_size > settings.MAX_IMAGE_BYTES:
        problem = too_large()
    return Entry(_path(info), problem, lambda: _unpack(archive, info))


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Raises ArchiveError if it is not what the zip says."""
    try:
        with archive.open(info) as packed:
            return packed.read(settings.MAX_IMAGE_BYTES)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise ArchiveError(_("The file is damaged inside the zip. Make the zip again.")) from error


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

"""Photos and models in storage, whichever that is: one error for whatever keeps it from answering.

Only a few threads may wait for storage at once: when it is slow it must not hold all threads of a web process.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

PLACES = 8
PATIENCE_S = 1.0
RETRY_AFTER_S = 10

_places = threading.BoundedSemaphore(PLACES)


class StorageUnavailableError(Exception):
    """Storage does not answer, refuses, or is full. Nothing was changed there."""


def read(name: str, *, size: int | None = None) -> bytes:
    """The whole object; `size`: how many bytes it must have, asked before any is read.

    Raises:
        FileNotFoundError: there is none of this name, or none of this size.
    """
    with _asking():
        if size is not None and default_storage.size(name) != size:
            raise FileNotFoundError(f"{name} does not have the {size} bytes that were stored.")
        with default_storage.open(name) as file:
            return file.read()


def write_once(name: str, data: bytes) -> None:
    """Store a new object. Should storage fail half-way, nothing is left of it, or an orphan at worst.

    Raises:
        StorageUnavailableError: it was not stored; also if there is an object of this name already.
    """
    with _asking():
        try:
            stored = default_storage.save(name, ContentFile(data))
        except Exception:
            with suppress(Exception):
                default_storage.delete(name)
            raise
        if stored != name:
            default_storage.delete(stored)
            raise FileExistsError(f"{name} is there already.")


def delete(name: str) -> None:
    """Delete the object if it is there."""
    with _asking():
        default_storage.delete(name)


def listing(folder: str) -> tuple[list[str], list[str]]:
    """Names of the folders and of the objects in a folder; none if there is no such folder."""
    with _asking():
        try:
            folders, files = default_storage.listdir(folder)
        except FileNotFoundError:
            return [], []
    return folders, files


def changed_at(name: str) -> datetime:
    """When the object was stored. Raises FileNotFoundError."""
    with _asking():
        return default_storage.get_modified_time(name)


def probe() -> None:
    """Raises StorageUnavailableError if storage would not answer now."""
    # That it does not exist is also said of a file on a disk that fails; a folder is not listed there.
    listing("probe")


@contextmanager
def _asking() -> Iterator[None]:
    if not _places.acquire(timeout=PATIENCE_S):
        raise StorageUnavailableError("Storage is too slow for so many requests.")
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        # Each kind of storage has errors of its own, and no caller can do anything about one rather than another.
        raise StorageUnavailableError(f"Storage does not answer ({type(error).__name__}).") from error
    finally:
        _places.release()

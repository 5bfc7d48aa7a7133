"""Keeps crops on disk until the server has them: a bounded SQLite file that one process holds.

What was added survives kill -9 and the loss of power. Faces are biometric: the file is its owner's alone, what is
deleted is overwritten, and room that is no longer needed goes back to the disk.
"""

import json
import logging
import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from itertools import chain, zip_longest
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from edge_client.bundle import Crop
from edge_client.clock import Stamp
from edge_client.settings import ConfigError

log = logging.getLogger(__name__)

DEFAULT_BYTES = 256_000_000
VERSION = 1  # 1: the first
_LOCK_TIMEOUT = 1.0  # seconds
_WAL_PAGES = 500
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)  # by what is read of a single crop
_SCHEMA = (
    """CREATE TABLE crop (
    place INTEGER PRIMARY KEY, -- rising: the order of arrival
    id TEXT NOT NULL UNIQUE,
    camera TEXT NOT NULL,
    circumstances TEXT NOT NULL, -- JSON
    image BLOB NOT NULL
)""",
    "CREATE INDEX crop_by_camera ON crop (camera, place)",
)
_INSERT = "INSERT INTO crop (id, camera, circumstances, image) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
_T = TypeVar("_T")


class SpoolError(ConfigError):
    """The file cannot be used; the message says what to do."""


class _UnseenDamageError(sqlite3.DatabaseError):
    """Damage that SQLite does not see."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


class Spool:
    """Crops by arrival. For any thread. Besides what is said below, any call may raise sqlite3.Error; and SpoolError,
    while a damaged file cannot be replaced.

    The file grows to `max_bytes`, and its log beside it to about 2 MB. Raises SpoolError.
    """

    def __init__(self, path: Path, max_bytes: int = DEFAULT_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self._counts: Counter[str] = Counter()  # crops by camera
        self._delivered: set[str] = set()  # and not yet deleted, because the disk was full
        self._damaged: set[int] = set()  # places, likewise
        self._untidy = True
        self._must_open = False  # before the next use: the file was damaged, and no new one could be begun
        self.used_bytes = 0  # of the file; what is free in it counts not
        self._open()

    def __len__(self) -> int:
        # What was delivered may have been in a file that was set aside since.
        return max(0, self._counts.total() - len(self._delivered) - len(self._damaged))

    def add(self, crop: Crop, stamp: Stamp) -> int:
        """Keep a crop, unless it is there: durably, once this returns. Returns how many others had to go: the oldest of
        the camera that has the most, so that one camera's flood costs the others nothing.
        """
        row = (crop.id, crop.camera, _circumstances(crop, stamp), crop.image)

        def insert() -> int:
            removed: list[str] = []
            with self._transaction():
                added = self._db.execute(_INSERT, row)
                counts = self._counts + Counter([crop.camera] * added.rowcount)
                while self._used() > self._max_bytes and counts.total() > 1:
                    removed.append(self._delete_oldest(counts))
                    counts -= Counter(removed[-1:])
            self._counts, self.used_bytes = counts, self._used()
            self._untidy |= bool(removed)
            return len(removed)

        return self._do(insert)

    def oldest(self, count: int, max_bytes: int) -> list[tuple[Crop, Stamp]]:
        """Up to `count` crops of about `max_bytes` together (one at least), taking turns among the cameras."""

        def read() -> list[tuple[Crop, Stamp]]:
            reach = count + len(self._delivered) + len(self._damaged)
            turns = zip_longest(*(self._places(camera, reach) for camera in sorted(self._counts)))
            chosen: list[tuple[Crop, Stamp]] = []
            size = 0
            for place in chain.from_iterable(turns):
                if place is None or place[0] in self._damaged:
                    continue
                try:
                    crop, stamp = self._read(place)
                except _UNREADABLE as error:
                    self._drop_damaged(place, error)
                    continue
                if crop.id in self._delivered:
                    continue
                size += len(crop.image)
                if len(chosen) == count or (chosen and size > max_bytes):
                    break
                chosen.append((crop, stamp))
            return chosen

        return self._do(read)

    def remove(self, ids: Iterable[str]) -> None:
        """Forget crops that are settled. Never fails: what a full disk keeps from going goes with a later call."""
        with self._lock:
            self._delivered.update(ids)
            self._if_possible(self._delete_delivered)

    def tidy(self) -> None:
        """Give room back to the disk, and wipe what was deleted from the log too. Costs writes: call it seldom."""

        def shrink() -> None:
            self._delete_delivered()
            self._db.executescript("PRAGMA incremental_vacuum")  # `execute` would free one page
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._untidy = False

        if self._untidy:
            self._if_possible(shrink)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _open(self) -> None:
        self._must_open = False
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Before SQLite makes it, which would let others read it. Its log takes the mode of the file.
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            self._path.chmod(0o600)
            self._db = sqlite3.connect(self._path, timeout=_LOCK_TIMEOUT, isolation_level=None, check_same_thread=False)
            self._do(self._prepare)
        except (OSError, sqlite3.Error) as error:
            self._must_open = True
            if _code(error) == sqlite3.SQLITE_BUSY:
                raise SpoolError(f"{self._path} is in use: does another node run? Give each its own spool") from error
            raise SpoolError(f"cannot keep crops in {self._path}: {error}") from error

    def _prepare(self) -> None:
        for pragma in (
            "auto_vacuum = INCREMENTAL",  # counts only before the first table
            "locking_mode = EXCLUSIVE",  # two nodes would deliver each other's crops
            "journal_mode = WAL",
            "synchronous = FULL",
            "secure_delete = ON",
            f"wal_autocheckpoint = {_WAL_PAGES}",
        ):
            self._db.execute(f"PRAGMA {pragma}").fetchall()
        with self._transaction():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise SpoolError(
                    f"{self._path} was made by a newer version: update this one, or name another spool file"
                )
            if version == 0:
                for statement in _SCHEMA:
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {VERSION}")
            tables = self._db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid")
            if tuple(sql for (sql,) in tables) != _SCHEMA:
                raise _UnseenDamageError("its tables are not those of a spool")
            self._counts = Counter(dict(self._db.execute("SELECT camera, COUNT(*) FROM crop GROUP BY camera")))
        self._delivered.clear()
        self._damaged.clear()
        self.used_bytes = self._used()

    def _do(self, work: Callable[[], _T]) -> _T:
        """Run a piece of work; where the file turns out to be damaged, begin a new one and run it again."""
        with self._lock:
            if self._must_open:
                self._db.close()
                self._open()
            try:
                return work()
            except (sqlite3.DatabaseError, ValueError) as error:
                if not _is_damage(error):
                    raise
                self._set_aside(error)
            return work()

    def _if_possible(self, work: Callable[[], None]) -> None:
        try:
            self._do(work)
        except (sqlite3.Error, SpoolError) as error:
            log.warning("crops that were delivered cannot be deleted from %s yet: %s", self._path, error)

    def _set_aside(self, error: Exception) -> None:
        kept = self._path.with_name(f"{self._path.name}.damaged")
        log.error("%s is damaged (%s): it is kept as %s, and a new one begun", self._path, error, kept)
        self._db.close()
        self._must_open = True
        try:
            self._path.replace(kept)
            self._path.with_name(f"{self._path.name}-wal").unlink(missing_ok=True)
        except OSError as fault:
            raise SpoolError(f"cannot keep crops in {self._path}: {fault}") from fault
        self._counts.clear()
        self._open()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk ends it by itself
                self._db.execute("ROLLBACK")
            raise

    def _used(self) -> int:
        pages, free, size = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _delete_oldest(self, counts: Counter[str]) -> str:
        """Of the camera that has the most crops, which is returned."""
        ((camera, _),) = counts.most_common(1)
        self._db.execute("DELETE FROM crop WHERE place = ?", next(self._places(camera, 1)))
        return camera

    def _delete_delivered(self) -> None:
        if not self._delivered:
            return
        with self._transaction():
            gone = [
                camera
                for name in self._delivered
                for (camera,) in self._db.execute("DELETE FROM crop WHERE id = ? RETURNING camera", [name])
            ]
        self._counts -= Counter(gone)
        self._delivered.clear()
        self.used_bytes, self._untidy = self._used(), True

    def _places(self, camera: str, count: int) -> Iterator[tuple[int]]:
        return self._db.execute("SELECT place FROM crop WHERE camera = ? ORDER BY place LIMIT ?", (camera, count))

    def _drop_damaged(self, place: tuple[int], error: Exception) -> None:
        """Rather one crop than all: a batch that cannot be read would be tried for ever."""
        log.error("a crop in %s is damaged and dropped: %s: %s", self._path, type(error).__name__, error)
        try:
            with self._transaction():
                gone = self._db.execute("DELETE FROM crop WHERE place = ? RETURNING camera", place).fetchall()
        except sqlite3.Error as full:
            if _is_damage(full):
                raise
            self._damaged.add(place[0])  # goes after the next start
            return
        if not gone:  # the index alone knows of it
            raise _UnseenDamageError(f"crop {place[0]} is missing")
        self._counts -= Counter(camera for (camera,) in gone)
        self.used_bytes, self._untidy = self._used(), True

    def _read(self, place: tuple[int]) -> tuple[Crop, Stamp]:
        query = "SELECT id, camera, circumstances, image FROM crop WHERE place = ?"
        name, camera, circumstances, image = self._db.execute(query, place).fetchone()
        UUID(name)
        fields = json.loads(circumstances)
        stamp = Stamp(**fields.pop("stamp"))
        fields["captured_at"] = datetime.fromisoformat(fields["captured_at"])
        fields |= {key: fields[key] and tuple(fields[key]) for key in ("box", "frame_size")}
        return Crop(id=name, camera=camera, image=image, **fields), stamp


def _is_damage(error: Exception) -> bool:
    """Damage that SQLite does not see shows as text that cannot be read, of ours or of its messages."""
    if not isinstance(error, sqlite3.Error):
        return True
    return _code(error) in _DAMAGED or (isinstance(error, sqlite3.OperationalError) and not _code(error))


def _code(error: Exception) -> int:
    """Of SQLite, without the part that says more exactly what."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _circumstances(crop: Crop, stamp: Stamp) -> str:
    fields = {
        "captured_at": crop.captured_at.isoformat(),
        "track": crop.track,
        "box": crop.box,
        "frame_size": crop.frame_size,
        "confidence": crop.confidence,
        "codec": crop.codec,
        "stamp": asdict(stamp),
    }
    return json.dumps(fields)

"""Django's SQLite, but for one thing: who wants to write waits in line, in its process and then with the others.

SQLite lets whoever finds it locked sleep and look again, for up to a tenth of a second each time and in no order. Among
the threads and processes of an installation that is asked for more than it can do, some then wait for seconds.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import OperationalError
from django.db.backends.sqlite3 import base

LONG_LINE = 4  # threads of a process: fewer have their turns in a moment


class Turn:
    """To be taken by one connection at a time. A process that dies loses it."""

    def __init__(self, database: str) -> None:
        self._line = threading.Lock()
        self._waiting: set[int] = set()  # threads
        self._file = Path(f"{database}-turn").open("ab")  # noqa: SIM115 - as long as the process lives

    def take(self, patience_s: float, *, in_long_line_s: float | None = None) -> None:
        """Raises OperationalError if others of this process do not get on in time."""
        self._waiting.add(threading.get_ident())
        try:
            if in_long_line_s is not None and len(self._waiting) > LONG_LINE:
                patience_s = in_long_line_s
            if not self._line.acquire(timeout=patience_s):
                raise OperationalError("database is locked")
        finally:
            self._waiting.discard(threading.get_ident())
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except BaseException:
            self._line.release()
            raise

    def end(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._line.release()


_turns: dict[str, Turn] = {}
# A new process takes turns with the one that it comes from.
os.register_at_fork(after_in_child=_turns.clear)


class DatabaseWrapper(base.DatabaseWrapper):
    patience_s: float | None = None  # in a long line of this process; None: as long as SQLite itself would wait
    _turn: Turn | None = None  # while this connection writes

    def _start_transaction_under_autocommit(self) -> None:
        name = str(self.settings_dict["NAME"])
        turn = _turns.get(name) or _turns.setdefault(name, Turn(name))
        turn.take(self.settings_dict["OPTIONS"]["timeout"], in_long_line_s=self.patience_s)
        self._turn = turn
        try:
            super()._start_transaction_under_autocommit()
        except BaseException:
            self._end_turn()
            raise

    def _commit(self) -> None:
        with self._ending_turn():
            super()._commit()

    def _rollback(self) -> None:
        with self._ending_turn():
            super()._rollback()

    def _close(self) -> None:
        with self._ending_turn():
            super()._close()

    @contextmanager
    def _ending_turn(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        if self._turn:
            self._turn.end()
            self._turn = None

"""Django's SQLite, but for one thing: threads of a process that want to write wait in line for each other.

SQLite lets whoever finds it locked sleep and look again, for up to a tenth of a second each time and in no order. Among
the threads of a web server that is asked for more than it can do, some then wait for seconds.
"""

import os
import threading
from collections import defaultdict

from django.db import OperationalError
from django.db.backends.sqlite3 import base

_turns = defaultdict(threading.Lock)  # by file
# Whoever had the turn when a process forked is not in the new one.
os.register_at_fork(after_in_child=_turns.clear)


class DatabaseWrapper(base.DatabaseWrapper):
    _turn = None  # the lock, while this connection writes

    def _start_transaction_under_autocommit(self) -> None:
        turn = _turns[self.settings_dict["NAME"]]
        if not turn.acquire(timeout=self.settings_dict["OPTIONS"]["timeout"]):
            raise OperationalError("database is locked")
        self._turn = turn
        try:
            super()._start_transaction_under_autocommit()
        except BaseException:
            self._end_turn()
            raise

    def _commit(self) -> None:
        try:
            super()._commit()
        finally:
            self._end_turn()

    def _rollback(self) -> None:
        try:
            super()._rollback()
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        if self._turn:
            self._turn.release()
            self._turn = None

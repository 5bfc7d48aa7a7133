"""The folder of messages of an embedded installation: kombu's, except that every file appears in one piece.

kombu makes a file under its final name and then fills it. Who reads in between, or after a crash or a full disk, finds
half a message or an empty table of queues, and a worker that does ends.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from queue import Empty
from time import monotonic
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.transport.filesystem import LOCK_EX, exchange_queue_t, lock
from kombu.utils.json import dumps

logger = logging.getLogger(__name__)

Table = list[exchange_queue_t]


class Channel(filesystem.Channel):
    """Same folders and names as kombu's, so that the two understand each other."""

    def get_table(self, exchange: str) -> Table:
        try:
            return super().get_table(exchange)
        except ValueError:  # not whole, so as good as not there: each worker binds its queue when it starts
            return []

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        row = exchange_queue_t(routing_key or "", pattern or "", queue or "")
        self._change(exchange, lambda table: table if row in table else [row, *table])

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *args: object, **options: object
    ) -> None:
        self._purge(queue)
        row = exchange_queue_t(routing_key or "", pattern or "", queue or "")
        self._change(exchange, lambda table: [other for other in table if other != row])

    def _put(self, queue: str, payload: dict, **options: object) -> None:
        _write(Path(self.data_folder_out) / f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg", payload)

    def _get(self, queue: str) -> dict:
        while True:
            try:
                return super()._get(queue)
            except ValueError:
                logger.warning("a message that was not whole is dropped; the sweeper makes up for it")
            except ChannelError as error:  # taken out of the folder, but it cannot be read
                raise Empty from error

    def _change(self, exchange: str, change: Callable[[Table], Table]) -> None:
        file = self._exchange_file(exchange)
        self.control_folder.mkdir(exist_ok=True)
        with (self.control_folder / "lock").open("w") as guard:
            lock(guard, LOCK_EX)
            before = self.get_table(exchange)
            after = change(before)
            if after != before or not file.exists():
                _write(file, after)


class Transport(filesystem.Transport):
    Channel = Channel


def _write(path: Path, content: object) -> None:
    """Raises ChannelError."""
    draft = path.with_name(f".{uuid4()}")
    try:
        draft.write_text(dumps(content))
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ChannelError(f"Cannot write {path}") from error

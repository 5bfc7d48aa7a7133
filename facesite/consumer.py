"""Celery's consumer of messages, such that a broker that is away or hangs holds up nothing, and is soon found again.

Nobody listens to what Celery's workers tell each other. To tell it, a worker waits for its broker for ever: one that
hung kept the parent from its children, whose time limits then ended them for tasks that were long over.

Celery looks for a broker two seconds later after each try, up to half a minute, and takes no message meanwhile.
"""

from collections.abc import Mapping
from functools import partial

from celery.worker import consumer
from kombu import Connection

QUIET = {"without_heartbeat": True, "without_gossip": True, "without_mingle": True}
RETRY_S = 2


class Consumer(consumer.Consumer):
    def __init__(
        self, *arguments: object, worker_options: Mapping[str, object] | None = None, **others: object
    ) -> None:
        super().__init__(*arguments, worker_options={**(worker_options or {}), **QUIET}, **others)

    def ensure_connected(self, conn: Connection) -> Connection:
        # A wake-up that was taken and not begun is the sweeper's to send again: to put it back takes the broker, and
        # without it kombu writes a file.
        conn.transport.Channel.do_restore = False
        conn.ensure_connection = partial(conn.ensure_connection, interval_start=RETRY_S, interval_step=0)
        return super().ensure_connected(conn)

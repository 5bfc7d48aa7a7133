"""Celery's consumer of messages, such that it soon notices that a broker is back.

Celery's own waits two seconds longer after each try, up to half a minute, and takes no message meanwhile.
"""

from functools import partial

from celery.worker import consumer
from kombu import Connection

RETRY_S = 2


class Consumer(consumer.Consumer):
    def ensure_connected(self, conn: Connection) -> Connection:
        conn.ensure_connection = partial(conn.ensure_connection, interval_start=RETRY_S, interval_step=0)
        return super().ensure_connected(conn)

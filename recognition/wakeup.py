"""Wakes workers. The database is the queue, so a wake-up may be lost: the sweeper makes up for it.

By name, because the functions that queue work are the ones that tasks are shells around.
"""

import logging
import time
from collections.abc import Sequence

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

RECOGNITION = "detections.tasks.process_inbox"
DELIVERY = "detections.tasks.deliver_results"
TRAINING = "people.tasks.run_training_job"


# As often as the sweeper comes by: who does not wake meanwhile loses nothing.
PAUSE_S = 5.0


class _Broker:
    """Remembers that the broker was away, so that not everyone waits until it does not answer.

    After a pause one caller finds out whether it is back, while the others go on without.
    """

    def __init__(self) -> None:
        self._away_until = 0.0

    def wake(self, task: str, ids: Sequence[str]) -> None:
        now = time.monotonic()
        if now < self._away_until:
            return
        if self._away_until:
            self._away_until = now + PAUSE_S
        try:
            current_app.send_task(task, args=ids)
            self._away_until = 0.0
        except (OperationalError, OSError) as error:
            self._away_until = time.monotonic() + PAUSE_S
            logger.warning("no wake-ups are sent for a while, the sweeper makes up for them: %s", error)


_broker = _Broker()


def wake(task: str, *ids: str) -> None:
    """Send a wake-up message, unless the broker cannot be reached. Never raises: the work is already safe."""
    _broker.wake(task, ids)

"""Wakes workers. The database is the queue, so a wake-up may be lost: the sweeper makes up for it.

By name, because the functions that queue work are the ones that tasks are shells around.
"""

import logging

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

RECOGNITION = "detections.tasks.process_inbox"
DELIVERY = "detections.tasks.deliver_results"
TRAINING = "people.tasks.run_training_job"


def wake(task: str, *ids: str) -> None:
    """Send a wake-up message, or log that the broker cannot be reached. Never raises: the work is already safe."""
    try:
        current_app.send_task(task, args=ids)
    except (OperationalError, OSError) as error:
        logger.warning("no wake-up sent, the sweeper will do it: %s", error)

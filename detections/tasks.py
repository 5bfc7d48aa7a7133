"""Celery shells around the flow of crops. Messages carry nothing: the database says what is due."""

import logging
import time

from celery import shared_task

from detections import processing, retention, silence, tracking
from detections.models import Crop
from detections.webhooks import delivering
from people import tombstones
from recognition import heartbeats, publishing, stopping, wakeup
from recognition.engine.errors import PackError
from recognition.loader import ModelUnavailableError

logger = logging.getLogger(__name__)

TURN_S = 5


# A turn and the slowest batch take far less. The first limit leaves in the log where it hung; the second kills.
@shared_task(soft_time_limit=40, time_limit=50)
def process_inbox() -> None:
    """Empty the inbox. Soon the turn passes on: so that other queues have theirs, and a busy child can be replaced."""
    until = time.monotonic() + TURN_S
    try:
        while not stopping.is_asked() and processing.process_batch():
            if time.monotonic() > until:
                wakeup.wake(wakeup.RECOGNITION)
                return
    except (PackError, ModelUnavailableError) as error:
        logger.error("the crops stay in the inbox: %s", error)  # noqa: TRY400 - the text says all there is to say


@shared_task
def deliver_results() -> None:
    delivering.deliver_due()


@shared_task
def sweep() -> None:
    """Wake workers for whatever is due: lost messages, lost workers, retries. Close tracks that nothing adds to; retire
    models that know somebody erased, and close jobs whose crops went along; notice cameras that nothing comes from.
    """
    heartbeats.ran("sweep")
    heartbeats.forget_gone()
    tracking.forget_closed()
    publishing.retire_overdue()
    silence.notice()
    # Not each time: with a full inbox this looks at very many jobs.
    if tombstones.are_new():
        processing.close_emptied_jobs()
    if Crop.objects.due().exists():
        wakeup.wake(wakeup.RECOGNITION)
    if delivering.due().exists():
        wakeup.wake(wakeup.DELIVERY)


@shared_task
def apply_retention() -> None:
    retention.apply_retention()
    heartbeats.ran("retention")

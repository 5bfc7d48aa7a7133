"""Celery shells around the flow of crops. Messages carry nothing: the database says what is due."""

import logging
import time

from celery import shared_task

from detections import processing, retention, silence, tracking
from detections.models import Crop
from detections.webhooks import delivering
from recognition import publishing, wakeup
from recognition.engine.errors import PackError
from recognition.loader import ModelUnavailableError

logger = logging.getLogger(__name__)

TURN_S = 20


@shared_task
def process_inbox() -> None:
    """Empty the inbox. After a while the turn passes on, so that a busy worker child can be replaced."""
    until = time.monotonic() + TURN_S
    try:
        while processing.process_batch():
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
    models that know somebody erased; notice cameras that nothing comes from.
    """
    tracking.forget_closed()
    publishing.retire_overdue()
    silence.notice()
    if Crop.objects.due().exists():
        wakeup.wake(wakeup.RECOGNITION)
    if delivering.due().exists():
        wakeup.wake(wakeup.DELIVERY)


@shared_task
def apply_retention() -> None:
    retention.apply_retention()

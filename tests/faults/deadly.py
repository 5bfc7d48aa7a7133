"""A worker whose engine certain pictures are deadly to: `celery -A tests.faults.deadly worker`."""

import os
import signal
import time
from collections.abc import Sequence

from recognition.engine.faces import Image
from recognition.engine.pipeline import Pipeline
from tests.faults.lengths import QUICK
from tests.faults.poison import CRASH, HANG, HOG

if QUICK:
    from tests.faults.hasty import app
else:
    from facesite.celery import app

__all__ = ["app"]

_analyse = Pipeline.analyse


def analyse(pipeline: Pipeline, images: Sequence[Image], **options: object) -> list:
    sizes = {image.shape[:2] for image in images}
    if CRASH in sizes:
        os.kill(os.getpid(), signal.SIGSEGV)
    if HOG in sizes:
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does to one that takes all the memory there is
    while HANG in sizes:
        try:
            time.sleep(1)
        except Exception:  # noqa: BLE001 - as deaf to the first time limit as code that is not Python's
            continue
    return _analyse(pipeline, images, **options)


Pipeline.analyse = analyse

"""A worker whose engine certain pictures are deadly to: `celery -A tests.faults.deadly worker`."""

import os
import signal
import time
from collections.abc import Sequence

from facesite import celery
from recognition.engine.faces import Image
from recognition.engine.pipeline import Pipeline
from tests.faults import hasty
from tests.faults.lengths import QUICK

# Told by their size, which no other picture of these tests has.
CRASH, HOG, HANG = (96, 97), (96, 98), (96, 99)

app = hasty.app if QUICK else celery.app

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

"""Loads the engine before it is asked for."""

import gc
import logging

from django.db import DatabaseError, connection

from recognition.engine.errors import PackError
from recognition.loader import ModelUnavailableError, loader

THRESHOLDS = 20_000, 20, 50

logger = logging.getLogger(__name__)


def load_engine() -> None:
    """Open the pack and the model in service. What fails here fails again, with an answer, when it is asked for."""
    try:
        loader.current()
    except (PackError, ModelUnavailableError, DatabaseError) as error:
        logger.warning("The engine cannot be loaded yet: %s", error)
    finally:
        connection.close()
        settle()


def settle() -> None:
    """Spare requests the search for garbage, which took a tenth of a second and more, now and then, of somebody's.

    What is loaded by now stays as long as the process. And a page makes tens of thousands of objects, nearly all of
    which go without being looked for: it is done less often.
    """
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)

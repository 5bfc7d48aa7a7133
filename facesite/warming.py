"""Loads the engine before it is asked for."""

import gc
import logging

from django.db import DatabaseError, connection

from recognition.engine.errors import PackError
from recognition.loader import ModelUnavailableError, loader

logger = logging.getLogger(__name__)


def load_engine() -> None:
    """Open the pack and the model in service. What fails here fails again, with an answer, when it is asked for."""
    try:
        loader.current()
    except (PackError, ModelUnavailableError, DatabaseError) as error:
        logger.warning("The engine cannot be loaded yet: %s", error)
    finally:
        connection.close()
        # What is loaded by now stays as long as the process. Looking through it for garbage took a tenth of a second
        # and more, now and then, in the middle of somebody's request.
        gc.freeze()

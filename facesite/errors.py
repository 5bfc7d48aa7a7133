"""What the site says when the installation itself is at fault, whichever call meets the fault."""

import errno
import logging

from django.db import InterfaceError, OperationalError
from rest_framework.response import Response

from access.problems import Problem
from access.problems import exception_handler as handle_problem
from recognition.engine.errors import PackError
from recognition.loader import ModelUnavailableError
from recognition.storage import StorageUnavailableError

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 10
RETRY_AFTER_FULL_S = 60
SQLITE_FULL = 13
POSTGRESQL_FULL = "53100"


def exception_handler(error: Exception, context: dict) -> Response | None:
    """A fault of the installation is a 503 or 507 that says so; everything else is for the API's own handler."""
    return handle_problem(outage(error) or error, context)


def outage(error: BaseException | None) -> Problem | None:
    """What to answer if something that the site needs is missing, out of reach or full; None if the error is another.

    The database gives no answer while it commits: what was sent may be stored all the same. To send it again is right.
    """
    if isinstance(error, PackError):
        return Problem(503, "pack-unavailable", "Pack unavailable", str(error), retry_after=RETRY_AFTER_S)
    if isinstance(error, ModelUnavailableError):
        return Problem(503, "model-unavailable", "Model unavailable", str(error), retry_after=RETRY_AFTER_S)
    if not isinstance(error, OperationalError | InterfaceError | OSError | StorageUnavailableError):
        return None
    if _is_full(error):
        detail = "There is no room left to store anything. Keep what you have and send it again later."
        found = Problem(507, "storage-full", "Storage full", detail, retry_after=RETRY_AFTER_FULL_S)
    elif isinstance(error, StorageUnavailableError):
        detail = f"{error} Nothing was changed: send the request again in a moment."
        found = Problem(503, "storage-unavailable", "Storage unavailable", detail, retry_after=RETRY_AFTER_S)
    elif isinstance(error, OSError):
        return None
    else:
        detail = "The database cannot be used just now. Keep what you have and send it again in a moment."
        found = Problem(503, "database-unavailable", "Database unavailable", detail, retry_after=RETRY_AFTER_S)
    reason = str(error).partition("\n")[0]
    logger.error("%s: %s", found.title, reason, extra={"status_code": found.status_code})
    return found


def _is_full(error: BaseException) -> bool:
    cause = error if isinstance(error, OSError) else error.__cause__
    return (
        getattr(cause, "errno", None) in {errno.ENOSPC, errno.EDQUOT}
        or getattr(cause, "sqlite_errorcode", None) == SQLITE_FULL
        or getattr(cause, "pgcode", None) == POSTGRESQL_FULL
    )

"""What the API says when the installation itself is at fault, whichever call meets the fault."""

from rest_framework.response import Response

from access import problems
from recognition.engine.errors import PackError
from recognition.loader import ModelUnavailableError
from recognition.storage import StorageUnavailableError

RETRY_AFTER_S = 10


def exception_handler(error: Exception, context: dict) -> Response | None:
    """A missing pack or model, or storage that is down, is a 503 that says so; the rest is for the API's handler."""
    if isinstance(error, PackError):
        error = problems.Problem(503, "pack-unavailable", "Pack unavailable", str(error), retry_after=RETRY_AFTER_S)
    elif isinstance(error, ModelUnavailableError):
        error = problems.Problem(503, "model-unavailable", "Model unavailable", str(error), retry_after=RETRY_AFTER_S)
    elif isinstance(error, StorageUnavailableError):
        detail = f"{error} Nothing was changed: send the request again in a moment."
        error = problems.Problem(503, "storage-unavailable", "Storage unavailable", detail, retry_after=RETRY_AFTER_S)
    return problems.exception_handler(error, context)

"""What the API says when the installation itself is at fault, whichever call meets the fault."""

from rest_framework.response import Response

from access import problems
from recognition.engine.errors import PackError
from recognition.loader import ModelUnavailableError

RETRY_AFTER_S = 10


def exception_handler(error: Exception, context: dict) -> Response | None:
    """A missing pack or model is a 503 that says so; everything else is for the API's own handler."""
    if isinstance(error, PackError):
        error = problems.Problem(503, "pack-unavailable", "Pack unavailable", str(error), retry_after=RETRY_AFTER_S)
    elif isinstance(error, ModelUnavailableError):
        error = problems.Problem(503, "model-unavailable", "Model unavailable", str(error), retry_after=RETRY_AFTER_S)
    return problems.exception_handler(error, context)

"""`/metrics`: what the processes of this machine have counted, and how things stand in the database.

Closed to everybody but whoever has METRICS_TOKEN.
"""

import hmac
import logging
import threading
from collections.abc import Callable, Iterable
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from detections.metrics import CROPS
from facesite.metricfiles import Files, is_counted_together
from facesite.standing import Standing
from recognition.metrics import MODEL_LOADS

logger = logging.getLogger(__name__)

REFUSAL = "For the bearer of METRICS_TOKEN.\n"


def is_reader(authorization: str) -> bool:
    """Whether this header has the token. Without a token in the settings there is no reader."""
    given, expected = authorization.encode("utf-8", "replace"), f"Bearer {settings.METRICS_TOKEN}".encode()
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(given, expected)


def counted() -> bytes:
    """By the processes of all programs here that share METRICS_DIR; else by this process."""
    if not is_counted_together():
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    registry.register(Files(settings.METRICS_DIR))
    return generate_latest(registry)


def tell_of_rare() -> None:
    """That nothing of the kind has come yet: alerts look for a rise, and the first would be none. To be called after
    the fork that made the process.
    """
    CROPS.labels("dead")
    MODEL_LOADS.labels("failed")


class MetricsMiddleware:
    """Answers before the name of the host and TLS are looked at: Prometheus asks each process at its bare address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return metrics(request) if request.path == "/metrics" else self.get_response(request)


class _Handler(WSGIRequestHandler):
    timeout = 5.0

    def log_message(self, *_: object) -> None:
        """Nothing: whoever reads metrics does so all the time."""


def serve(bind: str) -> None:
    """Tell what was counted at `host:port`, from a thread: for a program that is no web server."""
    host, _, port = bind.rpartition(":")
    try:
        server = make_server(host, int(port), _answer, handler_class=_Handler)
    except OSError as error:
        # Often another worker of this machine, which tells of this one too.
        logger.warning("no metrics at %s: %s", bind, error)
        return
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def _answer(environ: dict, start_response: Callable) -> Iterable[bytes]:
    if not is_reader(environ.get("HTTP_AUTHORIZATION", "")):
        start_response("401 Unauthorized", [("WWW-Authenticate", "Bearer")])
        return [REFUSAL.encode()]
    start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
    return [counted()]


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not is_reader(request.headers.get("Authorization", "")):
        headers = {"WWW-Authenticate": "Bearer"}
        return HttpResponse(REFUSAL, status=401, content_type="text/plain", headers=headers)
    standing = CollectorRegistry()
    standing.register(Standing())
    return HttpResponse(counted() + generate_latest(standing), content_type=CONTENT_TYPE_LATEST)

"""Counts requests and how long they take, by route: an address may hold a face id, a route never does."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from prometheus_client import Counter, Histogram

REQUESTS = Counter("facesite_requests_total", "Requests answered.", ("method", "route", "status"))
REQUEST_SECONDS = Histogram(
    "facesite_request_seconds",
    "Time from the head of a request to its answer.",
    ("route",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
)
METHODS = {"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"}
OTHER = "other"


class MeasuringMiddleware:
    """Stands above all others, so that what they take counts too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        response = self.get_response(request)
        route = route_of(request)
        REQUESTS.labels(request.method if request.method in METHODS else OTHER, route, response.status_code).inc()
        REQUEST_SECONDS.labels(route).observe(time.perf_counter() - started)
        return response


def route_of(request: HttpRequest) -> str:
    """As the URL map has it; one for the whole admin, and one for static files, unknown addresses and what is refused
    before its address is looked at: outsiders must not be able to make up further ones.
    """
    match = request.resolver_match
    if match is None:
        return OTHER
    return "admin" if match.app_names[:1] == ["admin"] else f"/{match.route}"

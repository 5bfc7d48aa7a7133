"""Gives each request an id, by which its lines in the log, and what workers say of its crops, are found."""

from collections.abc import Callable
from uuid import uuid4

from django.http import HttpRequest, HttpResponseBase

from facesite.measuring import route_of
from recognition import correlation, tracing


class CorrelationMiddleware:
    """The id is made here, whatever the client sends: it must be unique. Told only where somebody may ask about it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = uuid4()
        with (
            correlation.about(request=request_id),
            tracing.request(lambda: f"{request.method} {route_of(request)}", request.headers),
        ):
            response = self.get_response(request)
        if response.status_code >= 500:
            response["X-Request-Id"] = str(request_id)
        return response

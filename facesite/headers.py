"""Drops what means nothing on an answer of the API: over a thin link, a heartbeat is mostly headers."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

FOR_PAGES = ("X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy")


class LeanApiMiddleware:
    """Stands above those that add the headers. `Allow` stays where it answers a question: on a 405, and to OPTIONS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path.startswith("/api/v1/"):
            for name in FOR_PAGES:
                del response[name]
            if request.method != "OPTIONS" and response.status_code != 405:
                del response["Allow"]
        return response

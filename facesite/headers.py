"""Headers that protect pages. On an answer of the API they mean nothing, and a heartbeat is mostly headers."""

from collections.abc import Callable

from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponseBase

from access.headers import permissions_policy

API = "/api/v1/"
NOTHING = permissions_policy()
FOR_PAGES = (
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "X-Frame-Options",
)


class HeadersMiddleware:
    """Stands above those that add the headers. `Allow` stays where it answers a question: on a 405, and to OPTIONS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path.startswith(API):
            response.headers.setdefault("Permissions-Policy", NOTHING)
            return response
        for name in FOR_PAGES:
            del response[name]
        if request.method != "OPTIONS" and response.status_code != 405:
            del response["Allow"]
        if "Authorization" in request.headers:
            # No cache keeps answers to a key, cookies do not matter to them, and no browser guesses what they are.
            del response["Vary"], response["X-Content-Type-Options"]
        return response


class PagesPolicyMiddleware(CSPMiddleware):
    """Content-Security-Policy for pages alone: working it out takes as long as a whole heartbeat."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request) if request.path.startswith(API) else super().__call__(request)

"""Times on pages are in the viewer's zone: the browser says which in a cookie (static/facesite.js)."""

from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

COOKIE = "timezone"


class ViewerZoneMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name = request.COOKIES.get(COOKIE)
        # What is no zone falls back on the installation's, and is never looked for among files.
        if name is None or request.path.startswith("/api/") or name not in _known():
            return self.get_response(request)
        with timezone.override(ZoneInfo(name)):
            return self.get_response(request)


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())

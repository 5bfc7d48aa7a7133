"""Refuses request bodies that are too large before a byte of them is read."""

from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from access.problems import problem_response

IMPORT = "/admin/people/import/add/"
PHOTOS = ("/admin/", "/plans/", "/detections/photo/")  # where pictures are sent
FORM_BYTES = 2**20  # of a form, or of the fields around a file


class BodyLimitMiddleware:
    """Compares Content-Length with the limit of the area. A body sent in chunks states none, so it is refused."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        is_api = request.path.startswith("/api/")
        if "HTTP_TRANSFER_ENCODING" in request.META:
            detail = "Send the request with a Content-Length, not in chunks."
            return self._refuse(request, is_api, 411, "length-required", "Length required", detail)
        limit = self._limit(request.path)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) <= limit:
            response = self.get_response(request)
            if response.has_header("Retry-After"):
                _take_the_rest(request)
            return response
        detail = f"The request body is larger than the {limit // 2**20} MiB allowed here. Send fewer or smaller images."
        if request.path == IMPORT:
            detail += " A folder may be larger than a zip: choose it instead."
        return self._refuse(request, is_api, 413, "too-large", "Request too large", detail)

    def _limit(self, path: str) -> int:
        if path.startswith("/api/"):
            return settings.MAX_API_BODY_BYTES
        if path == IMPORT:
            return settings.MAX_ARCHIVE_BYTES + FORM_BYTES
        return settings.MAX_ADMIN_BODY_BYTES if path.startswith(PHOTOS) else FORM_BYTES

    def _refuse(
        self, request: HttpRequest, is_api: bool, status: int, kind: str, title: str, detail: str
    ) -> HttpResponseBase:
        if is_api:
            return problem_response(status, kind, title, detail)
        return render(request, "413.html", {"detail": detail}, status=status)


def _take_the_rest(request: HttpRequest) -> None:
    """A sender that is told to come back before its body was read, and is then cut off, never gets to know when."""
    with suppress(OSError):
        while request.read(2**16):
            pass

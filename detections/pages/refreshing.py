"""Parts of pages that ask for themselves again and again, and cost next to nothing while nothing changes."""

import hashlib
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone


def refreshing(
    request: HttpRequest, page: str, part: str, context: dict, *, state: object = None, every: int = 5
) -> HttpResponse:
    """The page with the part in it; or the part alone when it asks for itself, and nothing if it shows that already.

    `state`: what the part follows from: with it, a part that is shown already need not be made to be compared.
    `every`: seconds between two questions.
    """
    shown = request.GET.get("version") if request.htmx else None
    version = None if state is None else _digest(repr(state))
    if shown and shown == version:
        return HttpResponse(status=204)
    content = render_to_string(part, context, request)
    version = version or _digest(content)
    if shown == version:
        return HttpResponse(status=204)
    template = "detections/refreshing.html" if request.htmx else page
    return render(request, template, context | {"content": content, "version": version, "every": every})


def just_now() -> datetime:
    """What is later is told as of just now: with seconds in it, a part would never stay as it is."""
    return timezone.now() - timedelta(minutes=1)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]

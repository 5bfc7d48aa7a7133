"""Parts of pages that ask for themselves again and again, and cost next to nothing while nothing changes."""

import hashlib

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string


def refreshing(request: HttpRequest, page: str, part: str, context: dict) -> HttpResponse:
    """The page with the part in it; or the part alone when it asks for itself, and nothing if it shows that already."""
    content = render_to_string(part, context, request)
    version = hashlib.sha256(content.encode()).hexdigest()[:16]
    if not request.htmx:
        return render(request, page, context | {"content": content, "version": version})
    if request.GET.get("version") == version:
        return HttpResponse(status=204)
    return render(request, "detections/refreshing.html", {"content": content, "version": version})

"""The URL map: the API under /api/v1/, its documentation, the admin, and the pages people see."""

import sys

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import include, path, re_path
from django.views.defaults import page_not_found, server_error
from drf_spectacular.views import SpectacularSwaggerSplitView

from access import problems
from facesite import health, metrics
from facesite.errors import outage
from facesite.schema import SchemaView

api = [
    path("", include("recognition.urls")),
    path("", include("people.urls")),
    path("", include("detections.api.urls")),
]

urlpatterns = [
    path("api/v1/", include(api)),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    re_path(r"^api/", login_not_required(problems.not_found)),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("", include("detections.urls")),
]


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """JSON for programs, a page for people."""
    if request.path.startswith("/api/"):
        return problems.not_found(request, exception)
    return page_not_found(request, exception)


def handler500(request: HttpRequest) -> HttpResponse:
    problem = outage(sys.exception())
    if request.path.startswith("/api/"):
        if problem:
            return problems.problem_response(
                problem.status_code, problem.kind, problem.title, str(problem.detail), retry_after=problem.wait
            )
        return problems.problem_response(500, "server-error", "Server error", "The server failed; its log says why.")
    if problem:
        # Without the request, as it is for a 500: who asks is in the database.
        page = render_to_string("503.html", {"problem": problem})
        return HttpResponse(page, status=problem.status_code, headers={"Retry-After": str(problem.wait)})
    return server_error(request)

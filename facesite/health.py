"""Probes for whoever supervises the processes."""

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from recognition.engine.errors import PackError
from recognition.loader import pipeline


@login_not_required
def alive(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
def ready(request: HttpRequest) -> JsonResponse:
    """The process can do its work: the database answers and the engine is loaded. The broker may be down."""
    try:
        connection.ensure_connection()
        pipeline()
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503)
    except PackError:
        return JsonResponse({"status": "no pack"}, status=503)
    return JsonResponse({"status": "ok"})

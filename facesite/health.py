"""Probes for whoever supervises the processes."""

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse

from recognition.engine.errors import PackError
from recognition.loader import ModelUnavailableError, loader


@login_not_required
def alive(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
def ready(request: HttpRequest) -> JsonResponse:
    """The process can do its work: the database answers, engine and model are loaded. The broker may be down."""
    try:
        loader.current()
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503)
    except PackError:
        return JsonResponse({"status": "no pack"}, status=503)
    except ModelUnavailableError:
        return JsonResponse({"status": "no model"}, status=503)
    return JsonResponse({"status": "ok"})

"""Who a failed login counts against, and what those are told who failed too often. The counting is django-axes'."""

import ipaddress
import math

from axes.models import AccessAttempt
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

LOCAL = "127.0.0.1"


def client_address(request: HttpRequest) -> str:
    """The address a request came from, as the outermost of our own proxies saw it.

    What stands further left in X-Forwarded-For is the client's own word, and without a proxy all of it is.
    """
    address = request.META.get("REMOTE_ADDR", "")
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR")
    if settings.PROXY_COUNT and forwarded:
        address = forwarded.split(",")[-settings.PROXY_COUNT :][0].strip()
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:  # a socket of this machine has none
        return LOCAL


def refuse(request: HttpRequest, response: HttpResponseBase, credentials: dict | None) -> HttpResponse:
    """Say how long to wait, whether or not there is such an account."""
    attempts = AccessAttempt.objects.filter(
        username=(credentials or {}).get("username"), ip_address=client_address(request)
    )
    newest = attempts.order_by("-attempt_time").values_list("attempt_time", flat=True).first()
    until = (newest or timezone.now()) + settings.AXES_COOLOFF_TIME
    seconds = max(1, math.ceil((until - timezone.now()).total_seconds()))
    page = render(request, "429.html", {"minutes": math.ceil(seconds / 60)}, status=429)
    page["Retry-After"] = str(seconds)
    return page

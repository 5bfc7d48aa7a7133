"""Lets templates ask `{% if "enrol" in capabilities %}`."""

from django.http import HttpRequest

from access.roles import capabilities_of


def capabilities(request: HttpRequest) -> dict:
    user = getattr(request, "user", None)
    return {"capabilities": capabilities_of(user) if user else frozenset()}

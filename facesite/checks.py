"""System checks of what is the site's own."""

from importlib.util import find_spec

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

SHORTEST_TOKEN = 16


def check_watching(app_configs: list[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if 0 < len(settings.METRICS_TOKEN) < SHORTEST_TOKEN:
        hint = "Whoever guesses it learns how busy every camera is: take the output of `openssl rand -hex 24`."
        found.append(Error(f"METRICS_TOKEN has fewer than {SHORTEST_TOKEN} characters.", hint=hint, id="facesite.E001"))
    if settings.TRACES and not (find_spec("opentelemetry") and find_spec("opentelemetry.exporter.otlp.proto.http")):
        hint = "pip install -r requirements-traces.txt"
        found.append(Error("TRACES is set, and OpenTelemetry is not installed.", hint=hint, id="facesite.E003"))
    if settings.METRICS_BIND and not settings.METRICS_BIND.rpartition(":")[2].isdecimal():
        found.append(
            Error(f"METRICS_BIND is {settings.METRICS_BIND!r}.", hint="Set it to 0.0.0.0:9100.", id="facesite.E002")
        )
    return found

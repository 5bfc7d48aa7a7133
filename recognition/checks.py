"""System checks: settings that would only fail at the next training are named at the start."""

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

from recognition.engine.calibration import HIGHEST_RATE, LOWEST_RATE
from recognition.engine.fitting import KINDS


def check_recognition(app_configs: list[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.CLASSIFIER not in KINDS:
        hint = f"Set it to one of {', '.join(KINDS)}."
        found.append(Error(f"CLASSIFIER is {settings.CLASSIFIER!r}.", hint=hint, id="recognition.E001"))
    if not LOWEST_RATE <= settings.FALSE_ALARM_RATE <= HIGHEST_RATE:
        hint = f"Set it between {LOWEST_RATE:f} and {HIGHEST_RATE}: 0.001 lets one stranger in a thousand be named."
        found.append(Error(f"FALSE_ALARM_RATE is {settings.FALSE_ALARM_RATE}.", hint=hint, id="recognition.E002"))
    return found

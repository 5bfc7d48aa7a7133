"""Keeps personal data out of the log, and overload from filling it."""

import logging
import time

REFUSALS_EVERY_S = 10.0


class WithoutPaths(logging.Filter):
    """Django logs the path of a failed request, and face ids are part of paths: log the route instead."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if request is not None and isinstance(record.args, tuple):
            match = getattr(request, "resolver_match", None)
            route = f"{request.method} {match.route if match else 'an unknown address'}"
            record.args = tuple(route if value == request.path else value for value in record.args)
        return True


class SparingRefusals(logging.Filter):
    """Of all requests that are answered 503 or 507, one line every ten seconds is enough: there may be thousands."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) not in {503, 507}:
            return True
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + REFUSALS_EVERY_S
        return True

"""What a line of the log holds. Keeps personal data out of it, and overload from filling it."""

import json
import logging
import time
from datetime import UTC, datetime

from recognition import correlation

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


class About(logging.Filter):
    """Adds which request and which crop a line is about."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.ids = {name: str(value) for name, value in correlation.ids().items()}
        record.about = "".join(f" {name}={value}" for name, value in record.ids.items())
        return True


class JsonLines(logging.Formatter):
    """A JSON object a line, for whatever collects logs."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **record.ids,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)

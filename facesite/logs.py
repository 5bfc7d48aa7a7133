"""Keeps personal data out of the log."""

import logging


class WithoutPaths(logging.Filter):
    """Django logs the path of a failed request, and face ids are part of paths: log the route instead."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if request is not None and isinstance(record.args, tuple):
            match = getattr(request, "resolver_match", None)
            route = f"{request.method} {match.route if match else 'an unknown address'}"
            record.args = tuple(route if value == request.path else value for value in record.args)
        return True

"""Traces: how long a crop was on its way, waited, and was worked on.

Nothing of OpenTelemetry (recognition.spans) is loaded unless TRACES is set.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from uuid import UUID

from django.conf import settings


def start() -> None:
    """Begin to export what this process traces; after any fork."""
    if settings.TRACES:
        import_module("recognition.spans").export()


@contextmanager
def request(name: Callable[[], str], headers: Mapping[str, str]) -> Iterator[None]:
    """A request being answered: in the trace of whoever asks, if its headers say so (W3C `traceparent`).

    `name` is asked for at the end, when the route is known.
    """
    if settings.TRACES:
        with import_module("recognition.spans").of_request(name, headers):
            yield
    else:
        yield


@contextmanager
def crops(name: str, ids: Iterable[UUID]) -> Iterator[None]:
    """Work on crops together: a span in the trace of each."""
    if settings.TRACES:
        with import_module("recognition.spans").of_crops(name, ids):
            yield
    else:
        yield


def arrived(crop: UUID, captured_at: datetime, received_at: datetime) -> None:
    """A crop was captured then, and accepted now: the root of its trace."""
    if settings.TRACES:
        import_module("recognition.spans").root(crop, captured_at, received_at)

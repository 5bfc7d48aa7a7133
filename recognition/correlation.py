"""Which request and which crop a line of the log is about.

A request has an id of its own; the job of the crops that it brought has the same one. So what a worker says of a crop
can be traced to the request that brought it, although the message that woke the worker carries nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from uuid import UUID

_ids: ContextVar[Mapping[str, UUID]] = ContextVar("ids", default=MappingProxyType({}))


@contextmanager
def about(**ids: UUID) -> Iterator[None]:
    """What is logged in the block, by this thread, is about these: `request`, `crop`."""
    token = _ids.set({**_ids.get(), **ids})
    try:
        yield
    finally:
        _ids.reset(token)


def ids() -> Mapping[str, UUID]:
    return _ids.get()


def request_id() -> UUID | None:
    """Of the request that this thread answers; None: it does something else."""
    return _ids.get().get("request")

"""A server that does not answer is asked again for a while, as slowly as it wishes."""

import threading
from collections.abc import Callable

import pytest

from edge_client import cloud
from edge_client.cloud import patiently
from edge_client.server import RefusedError, UnavailableError


def failing(times: int, retry_after: float = 0.0) -> Callable[[], str]:
    left = [times]

    def ask() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise UnavailableError("busy", retry_after)
        return "answer"

    return ask


class Stop(threading.Event):
    """Remembers the waits instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return self.is_set()


def test_the_answer_comes_at_a_later_attempt(caplog: pytest.LogCaptureFixture) -> None:
    stop = Stop()
    assert patiently(failing(3), stop) == "answer"
    assert len(stop.waits) == 3
    assert "busy; trying again in" in caplog.text


def test_the_server_says_how_long_to_wait() -> None:
    stop = Stop()
    patiently(failing(2, retry_after=30.0), stop)
    assert stop.waits == [30.0, 30.0]


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud, "PATIENCE", 0.0)
    with pytest.raises(UnavailableError):
        patiently(failing(1, retry_after=1.0), Stop())


def test_who_stops_it_does_not_wait() -> None:
    stop = Stop()
    stop.set()
    with pytest.raises(UnavailableError):
        patiently(failing(9), stop)
    assert len(stop.waits) == 1


def test_a_refusal_is_not_asked_about_again() -> None:
    def ask() -> None:
        raise RefusedError("revoked")

    stop = Stop()
    with pytest.raises(RefusedError):
        patiently(ask, stop)
    assert stop.waits == []

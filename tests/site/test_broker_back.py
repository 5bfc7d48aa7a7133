"""A worker whose broker went away looks for it every few seconds, however long it was away."""

import pytest
from celery import current_app
from kombu import Connection
from kombu.utils import functional

from facesite.consumer import RETRY_S, Consumer

FAILURES = 30


def test_it_is_looked_for_as_often_after_many_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(functional, "sleep", slept.append)
    connection, tries = Connection("redis://"), 0

    def connect() -> object:
        nonlocal tries
        tries += 1
        if tries <= FAILURES:
            raise ConnectionRefusedError
        return object()

    monkeypatch.setattr(connection, "_connection_factory", connect)
    consumer = Consumer.__new__(Consumer)
    consumer.app = current_app
    consumer.first_connection_attempt, consumer.broker_connection_retry_attempt = False, 0
    assert consumer.ensure_connected(connection) is connection
    assert sum(slept) == FAILURES * RETRY_S


def test_workers_use_it() -> None:
    assert current_app.conf.worker_consumer == "facesite.consumer:Consumer"

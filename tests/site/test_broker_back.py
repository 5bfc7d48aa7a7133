"""A worker whose broker is away waits for it nowhere, and looks for it every few seconds, however long it was away."""

from types import SimpleNamespace

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
    assert not connection.transport.Channel.do_restore, "it is not put off by what it cannot give back"


def test_a_worker_tells_the_others_nothing_whatever_its_command_says() -> None:
    controller = SimpleNamespace(use_eventloop=True)
    consumer = Consumer(print, app=current_app, controller=controller, worker_options={"without_heartbeat": False})
    assert not {type(step).__name__ for step in consumer.steps} & {"Heart", "Gossip", "Mingle"}


def test_workers_use_it() -> None:
    assert current_app.conf.worker_consumer == "facesite.consumer:Consumer"

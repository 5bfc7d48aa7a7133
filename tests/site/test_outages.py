"""A database out of reach or full: an answer that says so and when to come back, in the shape of the API's errors."""

import errno
import logging
import sqlite3

import psycopg2
import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client
from rest_framework.test import APIClient

from detections import ingest
from facesite.errors import outage
from people import enrolment
from recognition.storage import StorageUnavailableError
from tests.fabricated import make_camera, make_person
from tests.ingest.posting import crop, post
from tests.photographs import portrait, upload

pytestmark = pytest.mark.django_db


def caused_by(cause: Exception) -> OperationalError:
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


def caused_storage(cause: Exception) -> StorageUnavailableError:
    error = StorageUnavailableError("Storage does not answer.")
    error.__cause__ = cause
    return error


def full_sqlite() -> OperationalError:
    cause = sqlite3.OperationalError("database or disk is full")
    cause.sqlite_errorcode = sqlite3.SQLITE_FULL
    return caused_by(cause)


def full_postgresql() -> OperationalError:
    cause = type("DiskFull", (psycopg2.OperationalError,), {"pgcode": "53100"})("could not extend file")
    return caused_by(cause)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (OperationalError("connection refused"), 503, "database-unavailable"),
        (InterfaceError("connection already closed"), 503, "database-unavailable"),
        (caused_by(sqlite3.OperationalError("database is locked")), 503, "database-unavailable"),
        (full_sqlite(), 507, "storage-full"),
        (full_postgresql(), 507, "storage-full"),
        (OSError(errno.ENOSPC, "No space left on device"), 507, "storage-full"),
        (caused_storage(OSError(errno.ENOSPC, "No space left on device")), 507, "storage-full"),
        (caused_storage(ConnectionRefusedError()), 503, "storage-unavailable"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 507, "storage-full"),
    ],
)
def test_a_crop_is_not_accepted_and_its_sender_is_told_when_to_come_back(
    operator: APIClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, kind: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    make_camera()
    monkeypatch.setattr(ingest, "accept", fail)
    answer = post(operator, [crop()])
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == kind
    assert int(answer["Retry-After"]) > 0


def test_a_full_disk_takes_no_photo(operator: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    make_person("ada")
    monkeypatch.setattr(enrolment, "add_photo", fail)
    answer = operator.post("/api/v1/dataset/ada/image", upload(portrait()), format="multipart")
    assert (answer.status_code, answer.json()["type"]) == (507, "storage-full")


@pytest.mark.parametrize(("error", "status"), [(OperationalError("down"), 503), (full_sqlite(), 507)])
def test_a_page_says_so_too(
    operator: APIClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    client = Client(raise_request_exception=False)
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", fail)
    client.cookies["sessionid"] = "any session key"
    answer = client.get("/")
    assert answer.status_code == status
    assert "Not available just now" in answer.content.decode()
    assert int(answer["Retry-After"]) > 0


@pytest.mark.parametrize("error", [ValueError(), OSError(errno.ENOENT, "gone"), None])
def test_other_errors_are_no_outage(error: Exception | None) -> None:
    assert outage(error) is None


def test_the_log_says_why_in_one_line(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("facesite.errors"), "filters", [])
    with caplog.at_level(logging.ERROR):
        outage(OperationalError("could not connect to server\n\tIs it running?"))
    assert caplog.messages[-1] == "Database unavailable: could not connect to server"

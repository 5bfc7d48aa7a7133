"""Nothing personal gets into the log, whatever fails."""

import logging
from collections.abc import Callable

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from facesite.logs import SparingRefusals, WithoutPaths
from people import erasure
from people.models import Person
from tests.fabricated import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """What the console would show."""
    caplog.set_level(logging.DEBUG)
    caplog.handler.addFilter(WithoutPaths())
    return lambda: caplog.text


def test_the_console_has_the_filter() -> None:
    assert settings.LOGGING["handlers"]["console"]["filters"] == ["without_paths"]


def test_a_failing_call_about_a_person_is_logged_by_its_route(
    operator: APIClient, logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(person: Person) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(erasure, "erase", fail)
    make_person("Ada Lovelace")
    operator.raise_request_exception = False
    answer = operator.delete("/api/v1/dataset/Ada Lovelace")
    assert answer.status_code == 500
    assert answer.json()["type"] == "server-error"
    assert "DELETE api/v1/dataset/<str:face_id>" in logged()
    assert "Lovelace" not in logged()


def test_of_many_refusals_only_the_first_is_logged_and_every_other_error_is() -> None:
    sparing = SparingRefusals()
    records = [logging.makeLogRecord({"status_code": status}) for status in (503, 503, 500, 503, 500)]
    assert [sparing.filter(record) for record in records] == [True, False, True, False, True]
    assert settings.LOGGING["loggers"]["django.request"]["filters"] == ["sparing_refusals"]

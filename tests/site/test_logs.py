"""Nothing personal gets into the log, whatever fails."""

import json
import logging
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from access.models import ApiKey
from detections import processing
from detections.models import Crop
from facesite.logs import About, JsonLines, SparingRefusals, WithoutPaths
from people import erasure
from people.models import Person
from recognition import correlation
from tests.fabricated import make_camera, make_node, make_person
from tests.ingest.posting import crop, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """What the console would show."""
    caplog.set_level(logging.DEBUG)
    caplog.handler.addFilter(WithoutPaths())
    return lambda: caplog.text


def test_the_console_has_the_filter() -> None:
    assert settings.LOGGING["handlers"]["console"]["filters"] == ["without_paths", "about"]


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


@pytest.fixture
def lines() -> Iterator[list[dict]]:
    """What is logged as JSON."""
    found: list[dict] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(json.loads(JsonLines().format(record)))

    handler = Handler()
    handler.addFilter(About())
    logging.getLogger().addHandler(handler)
    yield found
    logging.getLogger().removeHandler(handler)


def test_what_a_worker_says_of_a_crop_is_found_by_the_request_that_brought_it(
    with_key: Callable[[ApiKey.Scope], APIClient], lines: list[dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = with_key(ApiKey.Scope.EDGE)
    make_node(make_camera("gate"), key=ApiKey.objects.get())
    job = post(client, [crop()]).json()["job"]

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(processing, "_process", fail)
    processing.process_batch()
    (line,) = [line for line in lines if line["logger"] == "detections.processing"]
    assert (line["request"], line["crop"]) == (job, str(Crop.objects.get().pk))
    assert "ZeroDivisionError" in line["exception"]


def test_a_failing_request_tells_the_id_that_its_lines_have(
    operator: APIClient, lines: list[dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(person: Person) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(erasure, "erase", fail)
    make_person("Ada Lovelace")
    operator.raise_request_exception = False
    told = operator.delete("/api/v1/dataset/Ada Lovelace").headers["X-Request-Id"]
    assert told in {line.get("request") for line in lines}
    assert "X-Request-Id" not in operator.get("/api/v1/dataset").headers


def test_ids_end_with_what_they_are_about() -> None:
    outer, inner = uuid4(), uuid4()
    with correlation.about(request=outer):
        with correlation.about(crop=inner):
            assert correlation.ids() == {"request": outer, "crop": inner}
        assert correlation.request_id() == outer
    assert correlation.request_id() is None

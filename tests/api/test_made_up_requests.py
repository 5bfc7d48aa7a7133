"""Requests made up from the API's own description, sound and not: no 5xx, and no answer that it does not describe."""

from collections.abc import Callable, Iterator

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from access.models import ApiKey
from facesite.wsgi import application
from tests.fabricated import make_camera, make_person
from tests.web.sightings import detect

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage", "fresh_loader")]


@pytest.fixture
def schema(db: None) -> Iterator[BaseSchema]:
    # Between requests, a server looks after its connections; here one transaction holds the whole test.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/schema/?format=json", application)
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def key(make_key: Callable[..., str]) -> str:
    """An operator's, in a site with something to be found."""
    make_camera("entrance")
    detect(make_person("Ada Lovelace"), camera="entrance")
    return make_key(ApiKey.Scope.OPERATOR)


def ask(schema: BaseSchema, key: str, examples: int) -> None:
    """That many requests of each kind to each call, all under the same seed each time."""
    asked = 0

    def check(case: Case) -> None:
        nonlocal asked
        asked += 1
        answer = case.call(headers={"Authorization": f"Bearer {key}"})
        case.validate_response(answer, checks=CHECKS)

    plan = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            plan(given(operation.as_strategy(generation_mode=mode))(check))()
    assert asked > 25 * examples


def test_a_few_of_each_are_answered_as_described(schema: BaseSchema, key: str) -> None:
    ask(schema, key, 4)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_thousands_are_answered_as_described(schema: BaseSchema, key: str) -> None:
    ask(schema, key, 60)

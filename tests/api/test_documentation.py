"""The OpenAPI schema is complete and valid, and the documentation page works without the internet."""

import json
import re

import pytest
from django.core.management import call_command
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict:
    path = tmp_path_factory.mktemp("schema") / "schema.json"
    call_command("spectacular", validate=True, fail_on_warn=True, format="openapi-json", file=str(path))
    return json.loads(path.read_text())


def test_the_schema_is_valid_and_without_warnings(schema: dict) -> None:
    assert schema["openapi"].startswith("3.")


def test_every_address_is_in_it(schema: dict) -> None:
    (api,) = [one for one in get_resolver().url_patterns if str(one.pattern) == "api/v1/"]
    routes = {str(pattern.pattern) for included in api.url_patterns for pattern in included.url_patterns}
    documented = {path.removeprefix("/api/v1/") for path in schema["paths"]}
    assert {re.sub(r"<\w+:\w+>", "{}", route) for route in routes} == {
        re.sub(r"\{\w+\}", "{}", path) for path in documented
    }


def test_every_operation_has_a_summary_and_a_tag(schema: dict) -> None:
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), (method, path)
            assert operation["tags"] != ["api"], (method, path)


@pytest.mark.parametrize("path", ["store-results", "send-results", "dry-run", "get-results"])
def test_what_takes_images_has_an_example(schema: dict, path: str) -> None:
    operation = schema["paths"][f"/api/v1/face-recognition/{path}"]["post"]
    request = operation["requestBody"]["content"]["multipart/form-data"]
    answer = next(iter(operation["responses"].values()))["content"]["application/json"]
    assert "examples" in request or "examples" in answer


def test_both_ways_to_authenticate_are_described(schema: dict) -> None:
    assert {scheme["type"] for scheme in schema["components"]["securitySchemes"].values()} == {"http", "apiKey"}


def test_the_schema_is_served(db: None) -> None:
    answer = APIClient().get("/api/schema/")
    assert answer.status_code == 200
    assert b"/api/v1/dataset" in answer.content


def test_it_is_made_once_whatever_strangers_ask(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    get_schema = SchemaGenerator.get_schema

    def counted(generator: SchemaGenerator, *arguments: object, **options: object) -> dict:
        made.append(generator)
        return get_schema(generator, *arguments, **options)

    monkeypatch.setattr(SchemaGenerator, "get_schema", counted)
    answers = [APIClient().get("/api/schema/", {"version": str(number)}) for number in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert len(made) <= 1
    assert APIClient().get("/api/schema/", {"format": "json"}).json()["paths"]


def test_the_page_answers_and_loads_nothing_from_elsewhere(db: None) -> None:
    answer = APIClient().get("/api/docs/")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "swagger-ui" in page
    assert not re.findall(r"""(?:src|href)=["']https?://""", page)

"""Answers of the API carry no headers that only mean something on pages; pages keep them all."""

import pytest
from rest_framework.test import APIClient

from facesite.headers import FOR_PAGES

URL = "/api/v1/debug/node-name"


def test_an_answer_of_the_api_is_lean(operator: APIClient) -> None:
    answer = operator.get(URL)
    assert answer.status_code == 200
    assert not {*FOR_PAGES, "Allow"} & set(answer.headers)
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/login/", "/api/docs/"])
def test_pages_keep_their_protection(db: None, path: str) -> None:
    assert set(FOR_PAGES) <= set(APIClient().get(path).headers)


def test_what_is_allowed_is_told_to_who_asks(operator: APIClient) -> None:
    assert "GET" in operator.options(URL)["Allow"]
    refused = operator.delete(URL)
    assert (refused.status_code, "GET" in refused["Allow"]) == (405, True)

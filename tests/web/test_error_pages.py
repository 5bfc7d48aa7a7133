"""Errors look like the site and say what to do; none of them tells a stranger anything."""

import pytest
from django.core.exceptions import SuspiciousOperation
from django.template.loader import render_to_string
from django.test import Client

from detections.pages import whereabouts
from tests.web.sightings import text

pytestmark = pytest.mark.django_db


def test_an_unknown_address_gets_a_page(viewer: Client) -> None:
    answer = viewer.get("/nothing-here")
    assert answer.status_code == 404
    assert "Nothing here" in text(answer)


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (SuspiciousOperation("secret detail"), 400, "cannot be understood"),
        (ZeroDivisionError("secret detail"), 500, "went wrong on our side"),
    ],
)
def test_a_failing_view_gets_a_page_without_its_details(
    viewer: Client, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, words: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(whereabouts, "_board", fail)
    viewer.raise_request_exception = False
    answer = viewer.get("/")
    assert answer.status_code == status
    assert words in text(answer)
    assert "secret detail" not in text(answer)


def test_a_form_without_its_token_gets_a_page() -> None:
    answer = Client(enforce_csrf_checks=True).post("/login/", {"username": "a", "password": "b"})
    assert answer.status_code == 403
    assert "This form has expired" in text(answer)


def test_too_large_a_request_is_explained() -> None:
    assert "at most 5 MiB" in render_to_string("413.html", {"detail": "Send at most 5 MiB."})

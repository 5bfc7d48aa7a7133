"""The board asks for news every two seconds, and gets nothing where there are none."""

import re
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from detections.models import Location
from tests.fabricated import make_person
from tests.web.sightings import detect, put_in_service

pytestmark = pytest.mark.django_db


def ask(client: Client, version: str, **query: str) -> HttpResponse:
    return client.get("/", {"version": version, **query}, headers={"HX-Request": "true"})


def version_of(response: HttpResponse) -> str:
    return re.search(r'hx-get="/\?[^"]*version=([0-9a-f]+)"', response.content.decode())[1]


def test_nothing_is_sent_while_nothing_changes(viewer: Client) -> None:
    detect(make_person("ada"), timedelta(hours=3))
    answer = ask(viewer, version_of(viewer.get("/")))
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_new_sighting_is_sent_as_the_board_alone(viewer: Client) -> None:
    ada = make_person("ada")
    detect(ada, timedelta(hours=3))
    old = version_of(viewer.get("/"))
    detect(ada, camera="lab")
    answer = ask(viewer, old)
    assert answer.status_code == 200
    assert answer.content.lstrip().startswith(b'<div id="board"')
    assert b"Place of lab" in answer.content
    assert version_of(answer) != old


def test_whatever_the_board_shows_is_news_when_it_changes(viewer: Client) -> None:
    ada = make_person("ada")
    detect(ada, timedelta(hours=3))
    changes = [
        lambda: detect(None),
        put_in_service,
        lambda: Location.objects.update(name="Another name"),
        lambda: type(ada).objects.update(face_id="Ada"),
        ada.delete,
    ]
    version = version_of(viewer.get("/"))
    for change in changes:
        change()
        answer = ask(viewer, version)
        assert answer.status_code == 200
        version = version_of(answer)


def test_the_search_goes_on_in_the_refreshed_board(viewer: Client) -> None:
    detect(make_person("ada"))
    answer = ask(viewer, "old", q="nobody")
    assert re.search(rb'hx-get="/\?[^"]*q=nobody', answer.content)
    assert b'data-face-id="ada"' not in answer.content


def test_a_refresh_takes_as_many_queries_for_many_people_as_for_one(
    viewer: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        detect(make_person(f"person {number}"))
        detect(None)
    with django_assert_max_num_queries(10):
        ask(viewer, "old")

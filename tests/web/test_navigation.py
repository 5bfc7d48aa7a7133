"""From every page to the others: by role, only to pages that are there, and saying where one is."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from access.roles import Capability, Role
from facesite import navigation
from facesite.navigation import Entry
from tests.web.sightings import text

pytestmark = pytest.mark.django_db


def entries(page: str) -> list[str]:
    return re.findall(r'<a href="([^"]+)"', page.split("<nav")[1].split("</nav>", maxsplit=1)[0])


@pytest.mark.parametrize(("role", "is_shown"), [(Role.VIEWER, False), (Role.OPERATOR, True), (Role.ADMIN, True)])
def test_only_what_a_role_may_open_is_shown(visit_as: Callable[..., Client], role: Role, is_shown: bool) -> None:
    shown = entries(text(visit_as(role).get("/")))
    assert {"/", "/detections/"} <= set(shown)
    assert ("/admin/people/person/add/" in shown) == is_shown


def test_a_page_that_does_not_exist_is_not_shown(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry("Nowhere", "no-such-page", "x", Capability.READ)
    monkeypatch.setattr(navigation, "ENTRIES", (*navigation.ENTRIES, entry))
    assert "Nowhere" not in text(viewer.get("/"))


def test_the_page_that_is_open_is_marked(viewer: Client) -> None:
    for address, entry in {"/": "/", "/map/": "/", "/detections/": "/detections/", "/tracks/": "/detections/"}.items():
        marked = re.findall(r'<a href="([^"]+)" aria-current="page"', text(viewer.get(address)).split("</nav>")[0])
        assert marked == [entry]


def test_strangers_and_accounts_without_a_role_are_shown_no_way(
    client: Client, visit_as: Callable[..., Client]
) -> None:
    assert "<nav" not in text(client.get("/login/"))
    assert entries(text(visit_as(None).get("/"))) == []

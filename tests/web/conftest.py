from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from access.roles import Role
from tests.fabricated import eyes, fresh_loader  # noqa: F401 - fixtures


@pytest.fixture
def visit_as(make_user: Callable[..., User]) -> Callable[[Role | None], Client]:
    """A browser of a person with that role (None: an account without one), logged in."""

    def visit(role: Role | None) -> Client:
        client = Client()
        client.force_login(make_user(role))
        return client

    return visit


@pytest.fixture
def viewer(visit_as: Callable[[Role], Client]) -> Client:
    return visit_as(Role.VIEWER)


@pytest.fixture
def operator(visit_as: Callable[[Role], Client]) -> Client:
    return visit_as(Role.OPERATOR)


@pytest.fixture
def admin(visit_as: Callable[[Role], Client]) -> Client:
    return visit_as(Role.ADMIN)

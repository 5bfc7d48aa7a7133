"""Set-up makes the first account, and no other ever after."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from access.roles import Role

pytestmark = pytest.mark.django_db


def set_up() -> str:
    out = StringIO()
    call_command("setup", stdout=out)
    return out.getvalue()


def test_the_first_account_is_an_administrator_whose_password_is_shown_once() -> None:
    assert "login     admin / " in set_up()
    assert User.objects.get().is_superuser
    assert "login" not in set_up()


def test_where_there_are_accounts_none_is_made_although_no_superuser_is_left(make_user: Callable[..., User]) -> None:
    make_user(Role.VIEWER, "admin")
    assert "login" not in set_up()
    assert not User.objects.get().is_superuser

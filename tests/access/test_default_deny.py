"""A view that names no capability is closed, to everyone and for every method."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from access.roles import Capability
from facesite.urls import api


class Forgetful(APIView):
    def get(self, request: Request) -> Response:
        return Response("open")

    post = get


class ReadOnly(Forgetful):
    capability = {"GET": Capability.READ}


@pytest.fixture
def superuser(db: None) -> User:
    return User.objects.create_superuser("root", password="correct horse battery")


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_view_without_a_capability_refuses_even_a_superuser(superuser: User, method: str) -> None:
    request = getattr(APIRequestFactory(), method)("/")
    force_authenticate(request, superuser)
    assert Forgetful.as_view()(request).status_code == 403


def test_a_method_that_the_mapping_leaves_out_is_closed(superuser: User) -> None:
    statuses = {}
    for method in ("get", "post"):
        request = getattr(APIRequestFactory(), method)("/")
        force_authenticate(request, superuser)
        statuses[method] = ReadOnly.as_view()(request).status_code
    assert statuses == {"get": 200, "post": 405}


def test_an_account_that_was_switched_off_may_do_nothing(superuser: User) -> None:
    superuser.is_active = False
    request = APIRequestFactory().get("/")
    force_authenticate(request, superuser)
    assert ReadOnly.as_view()(request).status_code == 403


def test_nobody_in_particular_is_asked_to_authenticate() -> None:
    request = APIRequestFactory().get("/")
    force_authenticate(request, AnonymousUser())
    assert ReadOnly.as_view()(request).status_code == 403
    assert ReadOnly.as_view()(APIRequestFactory().get("/")).status_code == 401


def test_no_view_of_the_api_swaps_the_permission_class() -> None:
    views = [pattern.callback.cls for included in api for pattern in included.url_patterns]
    assert views
    assert not [view for view in views if AllowAny in view.permission_classes]
    assert all(view.permission_classes == APIView.permission_classes for view in views)

"""Pictures of faces are for those who may look, and for no cache in between."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from tests.fabricated import make_person
from tests.web.sightings import JPEG, detect

pytestmark = pytest.mark.django_db


def test_the_picture_is_a_jpeg_that_only_this_browser_may_keep(viewer: Client) -> None:
    detection = detect(make_person("ada"), jpeg=JPEG)
    answer = viewer.get(reverse("face-image", args=[detection.pk]))
    assert (answer.status_code, answer.content) == (200, JPEG)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"].startswith("private")


def test_there_is_no_picture_of_who_was_not_kept(viewer: Client) -> None:
    assert viewer.get(reverse("face-image", args=[detect(None).pk])).status_code == 404
    assert viewer.get(reverse("face-image", args=[uuid4()])).status_code == 404
    assert viewer.get("/faces/not-an-id.jpg").status_code == 404


def test_without_a_role_there_is_no_picture(visit_as: Callable[..., Client]) -> None:
    detection = detect(make_person("ada"), jpeg=JPEG)
    answer = visit_as(None).get(reverse("face-image", args=[detection.pk]))
    assert answer.status_code == 403
    assert JPEG not in answer.content

"""What a role may not do, no page offers it: a viewer sees nothing to enrol, train, erase or administer."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from detections.models import EdgeNode
from tests.fabricated import make_camera, make_person
from tests.screenshots.pages import PAGES
from tests.web.sightings import detect, put_in_service, text

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_viewer_is_offered_nothing_that_changes_anything(viewer: Client, is_empty: bool) -> None:
    if not is_empty:
        detect(make_person("ada"), camera="entrance-inside")
        EdgeNode.objects.create(name="box").cameras.add(make_camera("entrance-inside"))
        put_in_service()
    answers = {address: viewer.get(address) for address in PAGES.values()}
    assert {answer.status_code for answer in answers.values()} <= {200, 302, 403, 404}
    opened = {address: answer for address, answer in answers.items() if answer.status_code == 200}
    assert len(opened) >= 4
    for address, answer in opened.items():
        page = text(answer)
        assert "/admin/" not in page, address
        posted = re.findall(r'<form[^>]*method="post"[^>]*>', page)
        assert all(f'action="{reverse("logout")}"' in form for form in posted), (address, posted)

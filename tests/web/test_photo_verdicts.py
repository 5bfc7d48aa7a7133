"""A photo that a person's page sends by itself is judged like any other, and the answer says everything about it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from access.models import AuditEntry
from access.roles import Role
from people.models import Person, Photo
from people.training import train
from recognition.engine.packs import Pack
from tests.fabricated import Eyes, direction, enrol, eyes, face, fresh_loader, make_person
from tests.web.sightings import text

__all__ = ["eyes", "fresh_loader"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pack", "storage")]


def send(client: Client, person: Person, data: bytes, name: str = "a.jpg") -> HttpResponse:
    address = reverse("admin:people_person_photos", args=[person.pk])
    return client.post(address, {"photo": SimpleUploadedFile(name, data)})


def test_an_accepted_photo_is_shown_as_it_is_on_file(operator: Client, eyes: Eyes) -> None:
    person = make_person("ada")
    said = text(send(operator, person, eyes.picture_of(1)))
    photo = person.photos.get()
    assert '<li class="accepted">' in said
    assert reverse("admin:people_photo_image", args=[photo.pk]) in said
    assert photo.added_by.username == Role.OPERATOR


@pytest.mark.parametrize(
    ("picture", "verdict"),
    [
        (lambda eyes: eyes.picture(), "No face was found."),
        (lambda eyes: eyes.picture_of(1, 2), "2 faces were found."),
        (lambda _: b"", "The file is empty."),
        (lambda _: b"no image", "no JPEG"),
        (lambda _: bytes(13 * 2**20), "larger than 12 MiB"),
    ],
    ids=["nobody", "two people", "empty", "no image", "too large"],
)
def test_a_refused_photo_says_why(operator: Client, eyes: Eyes, picture: Callable[[Eyes], bytes], verdict: str) -> None:
    person = make_person("ada")
    answer = send(operator, person, picture(eyes))
    assert answer.status_code == 200
    assert '<li class="refused">' in text(answer)
    assert verdict in text(answer) or person.photos.get().explanation in text(answer)
    assert person.photos.get().refusal


def test_the_same_photo_again_is_said_to_be_there(operator: Client, eyes: Eyes) -> None:
    person, picture = make_person("ada"), eyes.picture_of(1)
    send(operator, person, picture)
    assert "This person already has this photo." in text(send(operator, person, picture))
    assert person.photos.count() == 1


def test_without_a_legal_basis_no_photo_is_looked_at(operator: Client, eyes: Eyes, storage: Path) -> None:
    person = make_person("ada", legal_basis_expires=date(2026, 2, 1))
    assert "The legal basis for holding this person’s face has expired." in text(
        send(operator, person, eyes.picture_of(1))
    ).replace("&#x27;", "’")
    assert not Photo.objects.exists()
    assert not list(storage.rglob("*.jpg"))


def test_a_photo_of_somebody_else_is_accepted_with_a_warning(operator: Client, eyes: Eyes, pack: Pack) -> None:
    grace = enrol("grace", seed=2)
    enrol("marie", seed=3)
    train()
    ada = make_person("ada")
    said = text(send(operator, ada, eyes.picture_of(2)))
    assert "It looks like “grace”" in said
    assert reverse("admin:people_person_change", args=[grace.pk]) in said
    assert ada.photos.get().explanation == "Accepted.", "what is kept names nobody else"
    assert AuditEntry.objects.get(action="compare with photo").subject == grace.label
    # In the form without a script too.
    assert "looks like" not in text(send(operator, grace, eyes.picture(face(direction(2)))))


def test_a_request_without_a_photo_and_an_unknown_person(operator: Client, eyes: Eyes) -> None:
    address = reverse("admin:people_person_photos", args=[make_person("ada").pk])
    assert operator.post(address).status_code == 400
    assert operator.get(address).status_code == 405
    nobody = reverse("admin:people_person_photos", args=[uuid4()])
    assert operator.post(nobody, {"photo": SimpleUploadedFile("a.jpg", b"x")}).status_code == 404


def test_the_page_may_use_the_camera_and_no_other_page_may(operator: Client) -> None:
    person = make_person("ada")
    form = operator.get(reverse("admin:people_person_change", args=[person.pk]))
    assert "camera=(self)" in form["Permissions-Policy"]
    assert "microphone=()" in form["Permissions-Policy"]
    assert "camera=()" in operator.get("/admin/")["Permissions-Policy"]


@given(name=st.text(min_size=1, max_size=60))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_a_file_name_is_only_ever_text(operator: Client, eyes: Eyes, name: str) -> None:
    person, _ = Person.objects.get_or_create(
        face_id="ada", defaults={"legal_basis": "consent", "legal_basis_date": date(2026, 1, 1)}
    )
    page = send(operator, person, b"", f"<b onload=x>{name}").content.decode()
    assert "<b onload" not in page

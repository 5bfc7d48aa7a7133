"""Enrolling in the admin: every photo gets its own verdict, and one bad photo costs the others nothing."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.roles import Role
from people.models import Person, Photo
from tests.fabricated import make_person
from tests.photographs import faceless, portrait, second_portrait
from tests.web.sightings import detect, text

ADD = "/admin/people/person/add/"
LIST = "/admin/people/person/"

# Photos are looked at when the form's transaction is over, so there has to be a real one.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pack", "storage")]


def form(face_id: str, photos: dict[str, bytes] | None = None, **fields: object) -> dict[str, object]:
    files = [SimpleUploadedFile(name, data) for name, data in (photos or {}).items()]
    basis = {"legal_basis": "consent", "legal_basis_date": "2026-01-01", "legal_basis_expires": ""}
    return {"face_id": face_id, **basis, "photos": files, **fields}


def change(person: Person) -> str:
    return reverse("admin:people_person_change", args=[person.pk])


def said(answer: HttpResponse) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_each_photo_of_a_new_person_gets_a_verdict(operator: Client) -> None:
    photos = {"a.jpg": portrait(), "b.jpg": faceless(), "c.jpg": b"", "d.txt": b"no image", "e.jpg": second_portrait()}
    answer = operator.post(ADD, form("ada", photos), follow=True)
    person = Person.objects.get()
    assert answer.redirect_chain[-1][0] == change(person)
    _, *verdicts = said(answer)
    assert [verdict.split("”: ")[0] for verdict in verdicts] == [f"“{name}" for name in photos]
    assert verdicts[0] == "“a.jpg”: Accepted."
    assert verdicts[1] == "“b.jpg”: No face was found. Use a photo that shows the face from the front."
    assert [photo.refusal for photo in person.photos.all()] == ["", "no-face", "unreadable", "unreadable", ""]
    page = text(answer)
    assert page.count("/admin/people/person/photos/") == 2
    assert page.count('class="refused"') == 3


def test_a_person_can_be_added_without_photos(operator: Client) -> None:
    answer = operator.post(ADD, form("ada"))
    assert answer.headers["Location"] == LIST
    assert "No photo yet" in text(operator.get(change(Person.objects.get())))


def test_photos_are_added_to_a_person_who_is_there(operator: Client) -> None:
    person = make_person("ada")
    answer = operator.post(change(person), form("ada", {"a.jpg": portrait(), "again.jpg": portrait()}), follow=True)
    assert "“again.jpg”: This person already has this photo." in said(answer)
    assert person.photos.count() == 1
    assert person.photos.get().added_by.username == Role.OPERATOR


def test_an_expired_basis_takes_no_photos(operator: Client) -> None:
    person = make_person("ada", legal_basis_expires=date(2026, 2, 1))
    answer = operator.post(
        change(person), form("ada", {"a.jpg": portrait()}, legal_basis_expires="2026-02-01"), follow=True
    )
    assert any("“a.jpg”: The legal basis" in message for message in said(answer))
    assert not person.photos.exists()


def test_a_mistake_in_the_form_enrols_nobody(operator: Client) -> None:
    answer = operator.post(ADD, form("a/b", {"a.jpg": portrait()}))
    assert "must not contain /" in text(answer)
    assert not Person.objects.exists()
    assert not Photo.objects.exists()


def test_a_file_name_is_only_ever_text(operator: Client, storage: Path) -> None:
    name = '"><script>alert(1)</script>.jpg'
    page = text(operator.post(ADD, form("ada", {name: portrait()}), follow=True))
    assert "<script>alert" not in page
    assert [file.parent.name for file in storage.rglob("*.jpg")] == [str(Person.objects.get().pk)]


@pytest.mark.corpus
@pytest.mark.slow
def test_every_broken_and_hostile_file_gets_a_verdict(operator: Client, corpus: Path) -> None:
    paths = [path for path in sorted((corpus / "malformed").iterdir()) if path.suffix != ".tsv"]
    answer = operator.post(ADD, form("ada", {path.name: path.read_bytes() for path in paths}), follow=True)
    assert answer.status_code == 200
    _, *verdicts = said(answer)
    assert [verdict.split("”: ")[0] for verdict in verdicts] == [f"“{path.name}" for path in paths]
    assert all(verdict.split("”: ")[1] for verdict in verdicts)
    # Two of the files are the same empty one.
    assert Photo.objects.count() == len({path.read_bytes() for path in paths})
    assert not Photo.objects.filter(explanation="").exists()


def test_a_chosen_photo_is_deleted_with_its_file(operator: Client, storage: Path) -> None:
    operator.post(ADD, form("ada", {"a.jpg": portrait(), "b.jpg": faceless()}))
    person = Person.objects.get()
    accepted = person.photos.get(refusal="")
    assert list(storage.rglob("*.jpg"))
    operator.post(change(person), form("ada", remove=[accepted.pk]))
    assert [photo.refusal for photo in person.photos.all()] == ["no-face"]
    assert not list(storage.rglob("*.jpg"))


def test_nobody_elses_photo_can_be_deleted(operator: Client) -> None:
    ada, grace = make_person("ada"), make_person("grace")
    photo = Photo.objects.create(person=grace, sha256="", explanation="Accepted.")
    answer = operator.post(change(ada), form("ada", remove=[photo.pk]))
    assert answer.status_code == 200
    assert "is not one of the available choices" in text(answer)
    assert Photo.objects.filter(pk=photo.pk).exists()


def test_a_photo_is_shown_small_and_only_to_those_who_enrol(
    operator: Client, visit_as: Callable[[Role], Client]
) -> None:
    operator.post(ADD, form("ada", {"a.jpg": portrait()}))
    address = reverse("admin:people_photo_image", args=[Photo.objects.get().pk])
    answer = operator.get(address)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"].startswith("private")
    small = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert min(small.shape[:2]) == 240
    assert visit_as(Role.VIEWER).get(address).status_code == 302


def test_a_photo_without_a_sound_file_is_not_found(operator: Client, storage: Path) -> None:
    operator.post(ADD, form("ada", {"a.jpg": portrait(), "b.jpg": faceless()}))
    accepted, refused = (reverse("admin:people_photo_image", args=[photo.pk]) for photo in Photo.objects.all())
    assert operator.get(refused).status_code == 404
    (file,) = storage.rglob("*.jpg")
    file.write_bytes(b"damaged")
    assert operator.get(accepted).status_code == 404
    file.unlink()
    assert operator.get(accepted).status_code == 404


def test_the_list_says_what_matters_about_each_person(operator: Client) -> None:
    operator.post(ADD, form("ada", {"a.jpg": portrait(), "b.jpg": faceless()}), follow=True)
    detect(Person.objects.get(), camera="gate")
    make_person("grace", legal_basis_expires=date(2026, 2, 1))
    page = text(operator.get(LIST))
    ada, grace = (page.split(f"{name}</a>")[1].split("</tr>")[0] for name in ("ada", "grace"))
    assert '<td class="field-photo_count">1</td>' in ada
    assert "no end" in ada
    assert "Place of gate" in ada
    assert '<td class="field-photo_count">0</td>' in grace
    assert "expired Feb. 1, 2026" in grace
    assert "never" in grace


@pytest.mark.parametrize(("query", "found"), [("lawful=yes", "ada"), ("lawful=no", "grace"), ("q=GRA", "grace")])
def test_the_list_is_searched_and_filtered(operator: Client, query: str, found: str) -> None:
    make_person("ada")
    make_person("grace", legal_basis_expires=date(2026, 2, 1))
    people = operator.get(f"{LIST}?{query}").context["cl"].queryset
    assert [person.face_id for person in people] == [found]


def test_the_form_offers_today_as_the_day_of_consent_and_no_basis(operator: Client) -> None:
    form = operator.get(ADD).context["adminform"].form
    assert form["legal_basis_date"].value() == timezone.localdate()
    assert not form["legal_basis"].value()

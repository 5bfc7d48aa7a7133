"""Photos and face ids that training finds suspicious are shown side by side, and answered at a click."""

import pytest
from django.test import Client

from people import mixups
from people.models import Mixup, Photo
from recognition.engine.mixups import Mixups, OddPhoto, SamePerson
from tests.fabricated import enrol
from tests.web.sightings import text

LIST = "/admin/people/mixup/"
PEOPLE = "/admin/people/person/"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


@pytest.fixture
def photos() -> list[Photo]:
    """Of ada three, of grace two; ada's second is odd, and ada and grace look like one person."""
    people = enrol("ada", 1, photos=3), enrol("grace", 2)
    photos = [photo for person in people for photo in person.photos.all()]
    found = Mixups((OddPhoto(1, "ada", 0.71),), (SamePerson(("ada", "grace"), 0.97, (0, 3)),))
    mixups.record(found, [photo.pk for photo in photos])
    return photos


def image_of(photo: Photo) -> str:
    return f"/admin/people/person/photos/{photo.pk}.jpg"


def test_the_list_of_people_says_how_many_need_a_look(operator: Client, photos: list[Photo]) -> None:
    assert "2 possible mix-ups of photos or face ids</a> need a look." in text(operator.get(PEOPLE))
    Mixup.objects.all().delete()
    assert "a look" not in text(operator.get(PEOPLE))


def test_an_odd_photo_stands_beside_the_others_of_its_face_id(operator: Client, photos: list[Photo]) -> None:
    page = operator.get(LIST, {"kind": "odd-photo"}).content.decode()
    assert all(image_of(photo) in page for photo in photos[:3])
    assert not any(image_of(photo) in page for photo in photos[3:])
    assert "0.71" in page


def test_two_face_ids_stand_side_by_side_and_lead_to_both(operator: Client, photos: list[Photo]) -> None:
    page = operator.get(LIST, {"kind": "same-person"}).content.decode()
    assert {image_of(photo) in page for photo in (photos[0], photos[3])} == {True}
    assert {f"{PEOPLE}{photo.person_id}/change/" in page for photo in (photos[0], photos[3])} == {True}


def test_what_is_well_is_answered_and_listed_apart(operator: Client, photos: list[Photo]) -> None:
    chosen = Mixup.objects.get(kind="odd-photo")
    operator.post(LIST, {"action": "dismiss", "_selected_action": [chosen.pk]})
    assert "One person, two face ids?" in text(operator.get(LIST))
    assert image_of(photos[1]) not in operator.get(LIST).content.decode()
    assert image_of(photos[1]) in operator.get(LIST, {"answered": "yes"}).content.decode()
    assert Mixup.objects.get(kind="odd-photo").dismissed_by.username == "operator"

"""What training finds suspicious is kept until somebody has answered, and is not asked again then."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from people import enrolment, mixups, training
from people.models import Mixup, Person, Photo
from recognition import jobs
from recognition.engine.mixups import Mixups, OddPhoto, SamePerson
from recognition.models import Job
from tests.fabricated import enrol, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def photos() -> list[UUID]:
    ada, grace = enrol("ada", 1), enrol("grace", 2)
    return [photo.pk for person in (ada, grace) for photo in person.photos.all()]


@pytest.fixture
def found() -> Mixups:
    """The second photo is odd, and ada and grace are one."""
    return Mixups((OddPhoto(1, "ada", 0.7),), (SamePerson(("ada", "grace"), 0.97, (0, 3)),))


def asked() -> set[tuple[str, UUID, UUID | None]]:
    return set(mixups.pending().values_list("kind", "photo", "other_photo"))


def test_every_find_is_asked_about_once_with_its_photos(photos: list[UUID], found: Mixups) -> None:
    assert mixups.record(found, photos) == 2
    assert mixups.record(found, photos) == 2
    assert asked() == {("odd-photo", photos[1], None), ("same-person", photos[0], photos[3])}


def test_what_is_no_longer_found_is_no_longer_asked(photos: list[UUID], found: Mixups) -> None:
    mixups.record(found, photos)
    assert mixups.record(Mixups((), ()), photos) == 0
    assert not Mixup.objects.exists()


def test_what_was_answered_is_not_asked_again_though_other_photos_show_it(
    photos: list[UUID], found: Mixups, operator_user: User
) -> None:
    mixups.record(found, photos)
    assert mixups.dismiss(Mixup.objects.all(), operator_user) == 2
    assert set(Mixup.objects.values_list("dismissed_by", flat=True)) == {operator_user.pk}
    others = Mixups(found.photos, (SamePerson(("grace", "ada"), 0.96, (2, 1)),))
    assert mixups.record(others, photos) == 0


def test_a_photo_removed_during_training_takes_its_questions_with_it(photos: list[UUID], found: Mixups) -> None:
    Photo.objects.filter(pk=photos[1]).delete()
    mixups.record(found, photos)
    assert asked() == {("same-person", photos[0], photos[3])}
    Photo.objects.filter(pk=photos[3]).delete()
    assert not Mixup.objects.exists()


@pytest.mark.usefixtures("storage")
def test_what_was_answered_about_two_people_holds_while_each_has_a_photo(
    photos: list[UUID], found: Mixups, operator_user: User
) -> None:
    mixups.record(found, photos)
    mixups.dismiss(Mixup.objects.all(), operator_user)
    for pk in (photos[0], photos[3]):
        enrolment.remove_photo(Photo.objects.get(pk=pk))
    left = Mixups((), (SamePerson(("ada", "grace"), 0.97, (0, 1)),))
    assert mixups.record(left, photos[1:3]) == 0
    enrolment.remove_photo(Photo.objects.get(pk=photos[1]))
    assert not Mixup.objects.exists()


@pytest.mark.corpus
def test_training_finds_a_photo_under_the_wrong_face_id_and_a_person_enrolled_twice(
    corpus: Path, storage: Path, operator_user: User
) -> None:
    first, second, *others = [shots for shots in shots_of_everyone(corpus) if len(shots) > 5][:9]
    people = [enrol_photos(f"person {number}", shots[:4]) for number, shots in enumerate((first, second, *others[1:]))]
    wrong = enrolment.add_photo(people[0], others[0][0].read_bytes())
    twin = enrol_photos("the second again", second[4:6])
    job = jobs.request(Job.Kind.OPTIMIZED_TRAIN, operator_user)
    jobs.run(job.pk, training.perform)
    job.refresh_from_db()
    assert job.message.endswith("to be looked at in the admin: 2.")
    odd, same = mixups.pending().order_by("kind")
    assert odd.photo == wrong
    assert {same.photo.person, same.other_photo.person} == {twin, people[1]}


def shots_of_everyone(corpus: Path) -> Iterator[list[Path]]:
    for folder in sorted((corpus / "lfw_dev" / "people").iterdir()):
        yield sorted(folder.iterdir())


def enrol_photos(face_id: str, shots: Iterable[Path]) -> Person:
    person = make_person(face_id)
    for shot in shots:
        enrolment.add_photo(person, shot.read_bytes())
    return person

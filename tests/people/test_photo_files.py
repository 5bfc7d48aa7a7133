"""Of an accepted photo the very bytes are kept, of a refused one nothing."""

from pathlib import Path

import pytest
from rest_framework.test import APIClient

from people import enrolment, erasure
from people.models import Embedding, Photo
from recognition.engine.pipeline import Pipeline
from tests import photographs
from tests.fabricated import Eyes, direction, face, make_person, run_together
from tests.photographs import upload


def files(storage: Path) -> list[Path]:
    return [path for path in storage.rglob("*") if path.is_file()]


def test_the_file_of_an_accepted_photo_has_the_same_bytes(operator: APIClient, storage: Path) -> None:
    make_person("Ada & Co")
    data = photographs.portrait()
    operator.post("/api/v1/dataset/Ada & Co/image", upload(data), format="multipart")
    photo = Photo.objects.get()
    (kept,) = files(storage)
    assert kept.read_bytes() == data
    assert kept == storage / photo.file.name
    assert "Ada" not in str(kept)
    assert kept.suffix == ".jpeg"


@pytest.mark.parametrize("data", [photographs.faceless, photographs.montage, photographs.blurred, lambda: b"x"])
def test_no_file_of_a_refused_photo_is_kept(db: None, storage: Path, data: object) -> None:
    assert not enrolment.add_photo(make_person("ada"), data()).is_accepted
    assert not storage.exists()


def test_removing_a_photo_removes_file_and_vector(
    eyes: Eyes, storage: Path, db: None, django_capture_on_commit_callbacks: object
) -> None:
    photo = enrolment.add_photo(make_person("ada"), eyes.picture_of(1))
    with django_capture_on_commit_callbacks(execute=True):
        enrolment.remove_photo(photo)
    assert not files(storage)
    assert not Embedding.objects.exists()


def test_a_failed_commit_leaves_no_file(eyes: Eyes, storage: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    person = make_person("ada")
    data = eyes.picture_of(1)
    # The same photo came in by another request while this one was being judged.
    real = enrolment.judge

    def judged_meanwhile(image: bytes, engine: Pipeline) -> enrolment.Verdict:
        monkeypatch.setattr(enrolment, "judge", real)
        enrolment.add_photo(person, data)
        return real(image, engine)

    monkeypatch.setattr(enrolment, "judge", judged_meanwhile)
    with pytest.raises(enrolment.DuplicatePhotoError):
        enrolment.add_photo(person, data)
    assert len(files(storage)) == Photo.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_erasure_while_a_photo_is_judged_wins(eyes: Eyes, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person = make_person("ada")

    def erased_meanwhile(data: bytes, engine: Pipeline) -> enrolment.Verdict:
        erasure.erase(person)
        return enrolment.Verdict("", "Accepted.", face(direction(1)))

    monkeypatch.setattr(enrolment, "judge", erased_meanwhile)
    with pytest.raises(enrolment.PersonGoneError):
        enrolment.add_photo(person, eyes.picture_of(1))
    assert not files(storage)
    assert not Photo.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_photo_in_parallel_is_kept_once(eyes: Eyes, storage: Path) -> None:
    person, data = make_person("ada"), eyes.picture_of(1)

    def add() -> str:
        try:
            return enrolment.add_photo(person, data).explanation
        except enrolment.DuplicatePhotoError:
            return "duplicate"

    assert sorted(run_together(*[add] * 6)) == ["Accepted.", *["duplicate"] * 5]
    assert len(files(storage)) == Photo.objects.count() == 1

"""Of an accepted photo a copy of its pixels is kept, of a refused one nothing."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from django.db import IntegrityError
from rest_framework.test import APIClient

from people import enrolment, erasure
from people.models import Embedding, Photo
from recognition.engine.images import decode, encode_jpeg, inspect
from recognition.engine.pipeline import Pipeline
from recognition.loader import pipeline
from tests import photographs
from tests.fabricated import Eyes, direction, face, make_person, run_together
from tests.photographs import upload

SECRET = b"51.2345 N, 0.4567 W"


def files(storage: Path) -> list[Path]:
    """All but the marks of erased people, which name nobody."""
    return [path for path in storage.rglob("*") if path.is_file() and path.parent.name != "tombstones"]


def test_the_file_of_an_accepted_photo_is_a_copy_that_looks_the_same(operator: APIClient, storage: Path) -> None:
    make_person("Ada & Co")
    data = photographs.portrait()
    operator.post("/api/v1/dataset/Ada & Co/image", upload(data), format="multipart")
    photo = Photo.objects.get()
    (kept,) = files(storage)
    assert kept == storage / photo.file.name
    assert "Ada" not in str(kept)
    assert inspect(kept.read_bytes()).format == "JPEG"
    assert photo.sha256 == hashlib.sha256(data).hexdigest() != hashlib.sha256(kept.read_bytes()).hexdigest()
    assert cosine(data, kept.read_bytes()) > 0.998


def test_what_is_stored_embeds_to_the_same_vector_again(storage: Path, db: None) -> None:
    enrolment.add_photo(make_person("ada"), photographs.portrait())
    (kept,) = files(storage)
    verdict = enrolment.judge(kept.read_bytes(), pipeline())
    assert np.asarray(verdict.face.vector, "<f4").tobytes() == bytes(Embedding.objects.get().vector)


def test_the_copy_is_upright_and_tells_nothing_but_the_picture(storage: Path, db: None) -> None:
    """As from a phone held sideways, with the place it was taken at."""
    turned = np.ascontiguousarray(np.rot90(decode(photographs.portrait())))
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0" + SECRET
    sideways = encode_jpeg(turned, quality=95)
    sideways = sideways[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + sideways[2:] + SECRET
    enrolment.add_photo(make_person("ada"), sideways)
    (kept,) = files(storage)
    copy = kept.read_bytes()
    assert SECRET not in copy
    assert b"Exif" not in copy
    assert cosine(photographs.portrait(), copy) > 0.99


def test_of_a_picture_with_another_file_behind_it_only_the_picture_is_kept(storage: Path, db: None) -> None:
    enrolment.add_photo(make_person("ada"), photographs.portrait() + b"<script>alert(1)</script>")
    (kept,) = files(storage)
    assert b"<script>" not in kept.read_bytes()


def cosine(one: bytes, other: bytes) -> float:
    """Between the vectors of two pictures of one face each."""
    (first,), (second,) = pipeline().analyse([decode(one), decode(other)])
    return float(first.vector @ second.vector)


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


def test_what_the_database_refuses_for_another_reason_is_no_duplicate(
    eyes: Eyes, storage: Path, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(enrolment.audit, "note", refuse)
    with pytest.raises(IntegrityError):
        enrolment.add_photo(make_person("ada"), eyes.picture_of(1))
    assert not files(storage)


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

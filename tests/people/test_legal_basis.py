"""No face without a legal basis that is in force today."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from rest_framework.test import APIClient

from people import enrolment, erasure, lookalikes
from people.models import Person
from recognition.engine.packs import Pack
from tests.fabricated import make_person, plain_png
from tests.photographs import upload

TODAY = timezone.localdate()
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "legal_basis"),
        ({"legal_basis": "consent"}, "legal_basis_date"),
        ({"legal_basis": "because", "legal_basis_date": "2026-01-01"}, "legal_basis"),
        ({"legal_basis": "consent", "legal_basis_date": "yesterday"}, "legal_basis_date"),
        ({"legal_basis": "consent", "legal_basis_date": str(TOMORROW)}, "legal_basis_date"),
        (
            {"legal_basis": "consent", "legal_basis_date": str(TODAY), "legal_basis_expires": str(YESTERDAY)},
            "legal_basis_expires",
        ),
    ],
)
def test_a_person_without_a_sound_legal_basis_is_not_added(operator: APIClient, body: dict, field: str) -> None:
    answer = operator.post("/api/v1/dataset/ada", body)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not Person.objects.exists()


@pytest.mark.parametrize(("expires", "lawful"), [(None, True), (TODAY, True), (TOMORROW, True), (YESTERDAY, False)])
def test_the_last_day_still_counts(db: None, expires: object, lawful: bool) -> None:
    person = make_person("ada", legal_basis_expires=expires)
    assert person.is_lawful is lawful
    assert Person.objects.lawful().exists() is lawful


def test_an_expired_person_takes_no_photo_and_the_answer_says_why(operator: APIClient, storage: object) -> None:
    make_person("ada", legal_basis_expires=YESTERDAY)
    answer = operator.post("/api/v1/dataset/ada/image", upload(plain_png()), format="multipart")
    assert answer.status_code == 409
    assert answer.json()["type"] == "no-legal-basis"
    assert "expired" in answer.json()["detail"]
    assert not storage.exists()


def test_a_basis_that_has_not_begun_takes_no_photo(db: None) -> None:
    with pytest.raises(enrolment.NoLegalBasisError):
        enrolment.add_photo(make_person("ada", legal_basis_date=TOMORROW), plain_png())


def test_an_expired_legal_basis_is_renewed(operator: APIClient) -> None:
    person = make_person("ada", legal_basis_expires=YESTERDAY)
    answer = operator.patch("/api/v1/dataset/ada", {"legal_basis_expires": str(TOMORROW)})
    assert answer.status_code == 200
    assert answer.json()["legal_basis_expires"] == str(TOMORROW)
    person.refresh_from_db()
    assert person.is_lawful


def test_a_renewal_that_makes_no_sense_changes_nothing(operator: APIClient) -> None:
    person = make_person("ada", legal_basis_expires=TOMORROW)
    answer = operator.patch("/api/v1/dataset/ada", {"legal_basis_expires": "1999-01-01"})
    assert answer.status_code == 400
    assert "legal_basis_expires" in answer.json()["errors"]
    person.refresh_from_db()
    assert person.legal_basis_expires == TOMORROW


def test_a_renewal_that_an_erasure_overtakes_finds_nobody(
    operator: APIClient, storage: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person("ada", legal_basis_expires=YESTERDAY)
    monkeypatch.setattr("people.api.check", erasure.erase)  # just then
    answer = operator.patch("/api/v1/dataset/ada", {"legal_basis_expires": str(TOMORROW)})
    assert answer.status_code == 404
    assert not Person.objects.exists()


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_it_holds_by_the_day_of_the_installation_wherever_somebody_looks(db: None, zone: str) -> None:
    """Between them, the days of these zones are always others."""
    today_only = make_person("ada", legal_basis_date=TODAY, legal_basis_expires=TODAY)
    with timezone.override(ZoneInfo(zone)):
        assert today_only.is_lawful
        assert Person.objects.lawful().exists()
        assert not Person.objects.unlawful().exists()
        today_only.clean()
        with pytest.raises(ValidationError, match="in the future"):
            Person(legal_basis_date=TOMORROW).clean()


@pytest.mark.django_db
def test_nobody_is_moved_away_from_the_face_of_somebody_who_may_not_be_trained(pack: Pack) -> None:
    ada, grace = make_person("ada"), make_person("grace")
    vector = np.ones(pack.dimension, "<f4").tobytes()
    for shown in (grace, None):
        lookalikes.record(ada, pack.id, vector, shown=shown)
    assert len(lookalikes.read(pack)[1]) == 2
    Person.objects.filter(pk=grace.pk).update(legal_basis_expires=YESTERDAY)
    assert len(lookalikes.read(pack)[1]) == 1

"""Which face ids are accepted, and that each of them can be addressed."""

import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from people.models import Person

BASIS = {"legal_basis": "consent", "legal_basis_date": "2026-01-01"}
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="/")
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def address(face_id: str) -> str:
    return f"/api/v1/dataset/{quote(face_id, safe='')}"


@MANY
@given(st.text(LETTERS, min_size=1, max_size=102))
def test_whatever_is_accepted_can_be_addressed_afterwards(operator: APIClient, face_id: str) -> None:
    Person.objects.all().delete()
    made = operator.post(address(face_id), BASIS)
    if made.status_code == 400:
        assert made.json()["errors"]["face_id"]
        assert not Person.objects.exists()
        return
    assert made.status_code == 201
    stored = made.json()["face_id"]
    assert stored == unicodedata.normalize("NFC", face_id)
    for spelling in {face_id, stored, unicodedata.normalize("NFD", face_id)}:
        assert operator.get(address(spelling)).json()["face_id"] == stored
    listed = operator.get("/api/v1/dataset").json()["results"]
    assert listed == [{"face_id": stored, "photo_count": 0}]
    assert operator.get(f"/api/v1/database/{quote(face_id, safe='')}/last-known-location").status_code == 200
    assert operator.delete(address(face_id)).status_code == 200
    assert operator.get(address(stored)).status_code == 404


@pytest.mark.parametrize("face_id", ["Ada Lovelace", "José 2", "李小龙", "o'Neil; --", "50%", "a?b#c&d=e", "Ñandú 🙂"])
def test_ordinary_and_strange_names_are_welcome(operator: APIClient, face_id: str) -> None:
    assert operator.post(address(face_id), BASIS).status_code == 201
    assert operator.get(address(face_id)).json()["face_id"] == face_id


@pytest.mark.parametrize(
    "face_id",
    [
        "a\nb",
        "a\x00b",
        "\x7f",
        "a\u200bb",
        "a\u202eb",
        "a\u2028b",
        "a\u2029b",
        " a",
        "a ",
        "\u3000a",
        ".",
        "..",
        "a\\b",
        "x" * 101,
    ],
)
def test_what_would_confuse_people_or_addresses_is_refused(operator: APIClient, face_id: str) -> None:
    answer = operator.post(address(face_id), BASIS)
    assert answer.status_code == 400
    assert answer.json()["errors"]["face_id"]
    assert not Person.objects.exists()


def test_a_slash_leads_to_no_person(operator: APIClient) -> None:
    assert operator.post("/api/v1/dataset/a%2Fb", BASIS).status_code == 404
    assert not Person.objects.exists()


@pytest.mark.parametrize("path", ["dataset/%00", "database/%00/last-known-location"])
def test_a_lookup_that_no_face_id_can_match_is_a_404(operator: APIClient, path: str) -> None:
    assert operator.get(f"/api/v1/{path}").status_code == 404


def test_the_same_name_composed_otherwise_is_the_same_person(operator: APIClient) -> None:
    assert operator.post(address(unicodedata.normalize("NFD", "José")), BASIS).status_code == 201
    again = operator.post(address(unicodedata.normalize("NFC", "José")), BASIS)
    assert again.status_code == 409
    assert again.json()["type"] == "person-exists"

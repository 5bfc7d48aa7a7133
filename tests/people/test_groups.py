"""People may be in a group; it comes and goes without them."""

import pytest
from rest_framework.test import APIClient

from people.models import Person, PersonGroup
from tests.fabricated import make_person

pytestmark = pytest.mark.django_db

ADA = "/api/v1/dataset/ada"


def test_a_person_joins_and_leaves_a_group_over_the_api(operator: APIClient) -> None:
    PersonGroup.objects.create(name="Laboratory")
    basis = {"legal_basis": "consent", "legal_basis_date": "2026-01-01"}
    assert operator.post(ADA, basis | {"group": "Laboratory"}).json()["group"] == "Laboratory"
    assert operator.get(ADA).json()["group"] == "Laboratory"
    assert operator.patch(ADA, {"group": None}).json()["group"] is None


def test_there_must_be_such_a_group(operator: APIClient) -> None:
    make_person("ada")
    answer = operator.patch(ADA, {"group": "Nowhere"})
    assert answer.status_code == 400
    assert "group" in str(answer.json())


def test_people_outlive_their_group() -> None:
    group = PersonGroup.objects.create(name="Laboratory")
    make_person("ada", group=group)
    group.delete()
    assert Person.objects.get().group is None

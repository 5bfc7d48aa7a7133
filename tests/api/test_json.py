"""Answers are written as Django REST framework writes them."""

import json
from datetime import UTC, datetime
from uuid import UUID

from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import renderers

from access.renderers import JSONRenderer
from people.models import Person

SIMPLE = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.datetimes(timezones=st.just(UTC))
    | st.dates()
    | st.uuids()
    | st.decimals(allow_nan=False, allow_infinity=False)
)
ANYTHING = st.recursive(SIMPLE, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(ANYTHING)
def test_the_same_is_read_from_it(value: object) -> None:
    ours, theirs = JSONRenderer().render(value), renderers.JSONRenderer().render(value)
    assert (json.loads(ours) if ours else None) == (json.loads(theirs) if theirs else None)


def test_choices_translations_and_whole_seconds() -> None:
    value = {
        "basis": Person.LegalBasis.CONSENT,
        "said": gettext_lazy("Save"),
        "at": datetime(2026, 3, 1, 12, tzinfo=UTC),
    }
    assert JSONRenderer().render(value | {"id": UUID(int=0)}) == (
        b'{"basis":"consent","said":"Save","at":"2026-03-01T12:00:00Z","id":"00000000-0000-0000-0000-000000000000"}'
    )

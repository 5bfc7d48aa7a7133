"""Times on pages: as Django's own filter writes them, in the viewer's zone and the installation's language."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

SAME = Template(
    "{% load moments %}"
    '{{ at|iso }} = {{ at|date:"c" }} = {{ at|moment }} = {{ at|date:"j M Y, H:i:s" }}'
    ' = {{ at|clock }} = {{ at|date:"H:i:s" }} = {{ at|zone }} = {{ at|date:"T" }}'
)
# Four digits of a year, a day from the border of what a datetime holds: as far as zones can move it.
FIRST, LAST = datetime.fromisoformat("1000-01-02"), datetime.fromisoformat("9999-12-30")
moments = st.datetimes(FIRST, LAST, timezones=st.just(UTC))


@pytest.mark.parametrize("language", ["en", "de"])
@given(at=moments, zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"]))
def test_they_are_written_as_by_the_filter_date(language: str, at: datetime, zone: str) -> None:
    with translation.override(language), timezone.override(ZoneInfo(zone)):
        told = SAME.render(Context({"at": at})).split(" = ")
    assert told[::2] == told[1::2]


def test_a_day_is_told_in_the_language_of_each_page() -> None:
    at, page = datetime(2026, 5, 26, tzinfo=UTC), Template("{% load moments %}{{ at|moment }}")
    told = []
    for language in ("en", "de", "en"):
        with translation.override(language):
            told.append(page.render(Context({"at": at})))
    assert told == ["26 May 2026, 00:00:00", "26 Mai 2026, 00:00:00", "26 May 2026, 00:00:00"]

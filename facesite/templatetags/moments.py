"""Times as pages write them: the same as the filter `date` does, at a tenth of its price. A list shows a hundred."""

from datetime import date, datetime
from functools import lru_cache

from django import template
from django.utils.dateformat import format as format_date
from django.utils.translation import get_language

register = template.Library()


@register.filter(expects_localtime=True)
def iso(at: datetime) -> str:
    """For machines, as in the attribute of <time>."""
    return at.isoformat()


@register.filter(expects_localtime=True)
def moment(at: datetime) -> str:
    """26 Nov 2026, 20:15:49."""
    return f"{_day(at.date(), get_language())}, {clock(at)}"


@register.filter(expects_localtime=True)
def clock(at: datetime) -> str:
    """20:15:49."""
    return f"{at:%H:%M:%S}"


@register.filter(expects_localtime=True)
def zone(at: datetime) -> str:
    """CET."""
    return at.tzname() or ""


@lru_cache(maxsize=1000)
def _day(day: date, _language: str | None) -> str:
    return format_date(day, "j M Y")

"""Filters that refuse what others pass over, or hand to a database that fails on it."""

from datetime import UTC, datetime

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django_filters.fields import IsoDateTimeField
from django_filters.widgets import BooleanWidget

from people.models import one_spelling


class _MomentField(IsoDateTimeField):
    def to_python(self, value: str | None) -> datetime | None:
        moment = super().to_python(value)
        try:
            return moment and moment.astimezone(UTC)
        except OverflowError as error:  # at the edge of the calendar, where UTC has no such time
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class Moment(django_filters.IsoDateTimeFilter):
    field_class = _MomentField


class _YesOrNoWidget(BooleanWidget):
    """Leaves what it does not understand for the field to refuse."""

    def value_from_datadict(self, data: QueryDict, files: object, name: str) -> bool | str | None:
        understood = super().value_from_datadict(data, files, name)
        return data.get(name) if understood is None else understood


class _YesOrNoField(forms.NullBooleanField):
    widget = _YesOrNoWidget

    def to_python(self, value: bool | str | None) -> bool | None:
        understood = super().to_python(value)
        if understood is None and value not in self.empty_values:
            raise ValidationError(_("Neither true nor false."), code="invalid")
        return understood


class YesOrNo(django_filters.BooleanFilter):
    field_class = _YesOrNoField


class _NameField(forms.CharField):
    def to_python(self, value: str | None) -> str:
        return one_spelling(super().to_python(value))


class Name(django_filters.CharFilter):
    """All of a face id or a part of it, however the keyboard composed its accents."""

    field_class = _NameField

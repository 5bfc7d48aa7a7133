from html import escape
from itertools import chain

from django import template
from django.forms import BoundField, ModelChoiceField
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag
def options(field: BoundField) -> SafeString:
    """What can be chosen, by name.

    Not by the field's widget, which makes a model and renders a template for each of a thousand cameras.
    """
    choices, value = field.field.choices, field.value()
    if isinstance(field.field, ModelChoiceField):
        choices = chain([("", field.field.empty_label)], field.field.queryset.values_list("pk", "name"))
    chosen = "" if value is None else str(value)
    return mark_safe("\n".join(_option(str(key), str(name), chosen) for key, name in choices))  # noqa: S308


def _option(key: str, name: str, chosen: str) -> str:
    selected = " selected" if key == chosen else ""
    return f'<option value="{escape(key)}"{selected}>{escape(name)}</option>'

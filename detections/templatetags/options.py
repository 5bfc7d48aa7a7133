from itertools import chain

from django import template
from django.forms import BoundField, ModelChoiceField
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

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
    marked = ((key, " selected" if str(key) == chosen else "", name) for key, name in choices)
    return format_html_join("\n", '<option value="{}"{}>{}</option>', marked)

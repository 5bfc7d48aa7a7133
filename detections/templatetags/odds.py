from django import template
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def one_in(rate: float) -> str:
    """A small share as people say it: 0.001 → 1 in 1,000."""
    return _("1 in %s") % f"{1 / rate:,.0f}"


@register.filter
def percent(share: float | None) -> str:
    """0.0612 → 6.1 %."""
    return _("unknown") if share is None else f"{100 * share:.1f} %"

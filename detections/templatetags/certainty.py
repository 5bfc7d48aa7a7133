from django import template

register = template.Library()


@register.filter
def certainty(probability: float) -> str:
    """In whole percent, rounded down and never 100: no face is beyond doubt."""
    return f"{min(99, int(100 * probability))} %"

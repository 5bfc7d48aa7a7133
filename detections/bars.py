"""Small bar charts, drawn by the template `detections/bars.html`: two counts on each other per stretch of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, IntegerField, Value, When

STEP, WIDTH, HEIGHT = 10, 8, 48


@dataclass(frozen=True)
class Column:
    """Counts from this moment on: `lower` stands on the ground, `upper` on it."""

    since: datetime
    lower: int
    upper: int


@dataclass(frozen=True)
class Bar:
    """A column where it is drawn."""

    column: Column
    x: int
    lower_y: float
    lower_height: float
    upper_y: float
    upper_height: float


@dataclass(frozen=True)
class Chart:
    bars: Sequence[Bar]
    until: datetime
    highest: int
    width: int
    height: int = HEIGHT
    bar_width: int = WIDTH

    @property
    def lower(self) -> int:
        return sum(bar.column.lower for bar in self.bars)

    @property
    def upper(self) -> int:
        return sum(bar.column.upper for bar in self.bars)


def column_of(moment: str, starts: Sequence[datetime]) -> Case:
    """In which column the database counts a row: the last that starts no later than its field `moment`."""
    columns = reversed([*enumerate(starts)])
    return Case(
        *(When(**{f"{moment}__gte": start}, then=Value(index)) for index, start in columns),
        output_field=IntegerField(),
    )


def chart(columns: Sequence[Column], until: datetime) -> Chart:
    highest = max((column.lower + column.upper for column in columns), default=0)
    scale = HEIGHT / (highest or 1)
    drawn = []
    for index, column in enumerate(columns):
        lower, upper = round(column.lower * scale, 1), round(column.upper * scale, 1)
        drawn.append(Bar(column, index * STEP + 1, HEIGHT - lower, lower, HEIGHT - lower - upper, upper))
    return Chart(drawn, until, highest, len(columns) * STEP)

"""Rows that are work to be done: the table is the queue."""

from typing import Self

from django.db import models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now


class WorkQuerySet(models.QuerySet):
    def due(self) -> Self:
        """What a worker may claim now: waiting, or left behind by a worker whose lease ran out."""
        return self.filter(state="pending", due_at__lte=Now())

    def in_state(self, state: models.TextChoices) -> Self:
        """As `filter(state=…)`, with the state in the statement: were it a parameter, SQLite would use no index of the
        rows in that state, but read the whole table.
        """
        return self.filter(state=RawSQL(f"'{state}'", ()))  # noqa: S611 - one of the model's own states

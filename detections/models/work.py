"""Rows that are work to be done: the table is the queue."""

from typing import Self

from django.db import models
from django.db.models.functions import Now


class WorkQuerySet(models.QuerySet):
    def due(self) -> Self:
        """What a worker may claim now: waiting, or left behind by a worker whose lease ran out."""
        return self.filter(state="pending", due_at__lte=Now())

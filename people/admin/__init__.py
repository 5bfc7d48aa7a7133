"""Enrolment in the admin."""

from people.admin import mixup, person

__all__ = ["mixup", "person"]

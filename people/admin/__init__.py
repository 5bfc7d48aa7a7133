"""Enrolment in the admin."""

from people.admin import bulk, mixup, person

__all__ = ["bulk", "mixup", "person"]

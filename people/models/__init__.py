"""People with their photos, and imports of many at once."""

from people.models.imports import Import, ImportedPhoto
from people.models.people import (
    Embedding,
    Lookalike,
    Mixup,
    Person,
    PersonGroup,
    Photo,
    Tombstone,
    one_spelling,
    today,
    validate_face_id,
)

__all__ = [
    "Embedding",
    "Import",
    "ImportedPhoto",
    "Lookalike",
    "Mixup",
    "Person",
    "PersonGroup",
    "Photo",
    "Tombstone",
    "one_spelling",
    "today",
    "validate_face_id",
]

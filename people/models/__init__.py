"""People with their photos, and imports of many at once."""

from people.models.imports import Import, ImportedPhoto
from people.models.people import Embedding, Mixup, Person, Photo, Tombstone, one_spelling, validate_face_id

__all__ = [
    "Embedding",
    "Import",
    "ImportedPhoto",
    "Mixup",
    "Person",
    "Photo",
    "Tombstone",
    "one_spelling",
    "validate_face_id",
]

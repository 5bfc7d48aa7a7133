"""Deletes photo files that belong to nobody: a crash may come between storing a file and committing its row, or between
committing an erasure and deleting its files.
"""

from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from people.enrolment import FOLDER, delete_folder
from people.models import Person, Photo
from recognition import storage

# An upload stores the file first. It is over, or its process is gone, long before this.
UPLOAD_IS_OVER = timedelta(hours=1)
# To look into a folder is a request, and there may be very many: one part of them each hour. Not 24, of which a machine
# that runs in office hours would never come to most.
TURNS = 25


def collect(older_than: timedelta = UPLOAD_IS_OVER, *, turn: int | None = None) -> int:
    """Delete photo files without a row; returns how many. `turn`: of those of people, one part of TURNS.

    A file in the folder of a person who exists must be `older_than` this: the row of one just uploaded is on its way.
    Nobody uploads for a person who does not exist, and an id is never given again, so other folders go at once.

    Raises:
        storage.StorageUnavailableError: what is left waits for the next time.
    """
    # The files first, then the rows: whose row is missing afterwards was orphaned before, or is too new to tell.
    folders, _ = storage.listing(FOLDER)
    people = {str(pk) for pk in Person.objects.values_list("pk", flat=True)}
    count = 0
    for folder in filter(_is_id, folders):
        if folder not in people:
            count += delete_folder(f"{FOLDER}/{folder}")
        elif turn is None or int(folder[:2], 16) % TURNS == turn:
            count += _collect_in(folder, older_than)
    return count


def _collect_in(folder: str, older_than: timedelta) -> int:
    _, files = storage.listing(f"{FOLDER}/{folder}")
    names = [f"{FOLDER}/{folder}/{file}" for file in files]
    kept = set(Photo.objects.filter(person=folder).values_list("file", flat=True))
    orphans = [name for name in names if name not in kept and _is_old(name, older_than)]
    for name in orphans:
        storage.delete(name)
    return len(orphans)


def _is_old(name: str, older_than: timedelta) -> bool:
    try:
        return storage.changed_at(name) <= timezone.now() - older_than
    except FileNotFoundError:
        return False  # an upload that failed has taken it back


def _is_id(folder: str) -> bool:
    try:
        return str(UUID(folder)) == folder
    except ValueError:
        return False  # none of ours

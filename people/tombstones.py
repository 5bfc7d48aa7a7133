"""Remembers who was erased, so that an old backup does not bring them back: by a hash of the random id they had, which
tells nothing to anybody who has not got the id, from such a backup.

They are rows, written with the erasure, and objects in storage beside the photos, which outlive a lost database.
"""

import hashlib
import logging
import re
from collections.abc import Collection, Iterable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from people.models import Person, Tombstone
from recognition import storage

logger = logging.getLogger(__name__)

FOLDER = "tombstones"
NEW_FOR = timedelta(minutes=10)


def remembered_as(person: Person) -> str:
    """What is kept of an erased person, here and in the audit log."""
    return hashlib.sha256(person.label.encode()).hexdigest()[:32]


def set_for(person: Person) -> None:
    """To be called in the transaction that erases. Should storage fail after it, `copy_out` makes up for it."""
    name = remembered_as(person)
    Tombstone.objects.get_or_create(digest=name)
    transaction.on_commit(lambda: _store_if_possible(name))


def copy_out() -> int:
    """Put into storage what it lacks; returns how many.

    Raises:
        storage.StorageUnavailableError: what is left waits for the next time.
    """
    return _store(Tombstone.objects.values_list("digest", flat=True))


def in_storage() -> set[str]:
    """Raises storage.StorageUnavailableError."""
    _, files = storage.listing(FOLDER)
    return {file for file in files if re.fullmatch(r"[0-9a-f]{32}", file)}


def are_new() -> bool:
    """Whether somebody was erased a short while ago."""
    return Tombstone.objects.filter(erased_at__gt=timezone.now() - NEW_FOR).exists()


def find(digests: Collection[str]) -> list[Person]:
    """The people in the database who were erased before."""
    return [person for person in Person.objects.all() if remembered_as(person) in digests]


def _store(digests: Iterable[str]) -> int:
    """Those that are not there yet; returns how many."""
    missing = set(digests) - in_storage()
    for name in missing:
        storage.write_once(f"{FOLDER}/{name}", b"erased\n")
    return len(missing)


def _store_if_possible(name: str) -> None:
    try:
        _store([name])
    except storage.StorageUnavailableError as error:
        logger.warning("a tombstone is stored later: %s", error)

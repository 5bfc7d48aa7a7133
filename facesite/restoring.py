"""Brings a backup back: all rows and files, and then erases again whoever was erased since it was made.

One transaction: either the database is as it was, without them, or it is as before.
"""

from collections.abc import Iterable

from django.apps import apps
from django.db import transaction
from django.db.models.functions import Now

from facesite import tables
from facesite.archive import Reader
from facesite.backing_up import DATABASE, STORAGE, TOMBSTONES
from people import erasure, tombstones
from people.models import Person, Tombstone
from recognition import heartbeats, storage
from recognition.models import ActiveModel, Heartbeat


class NotRestorableError(Exception):
    """The installation must be in another state first; the text says in which."""


def restore(reader: Reader, newer: Iterable[Reader] = (), *, replace: bool = False) -> dict[str, int]:
    """Returns how many rows and files were restored, and how many people erased again.

    `newer`: backups that were made later; they know of erasures that this one does not. `replace`: what the
    installation holds now is given up.

    Raises:
        NotRestorableError: nothing was changed.
        storage.StorageUnavailableError: the database was not changed.
    """
    _check(reader, replace=replace)
    erased = tombstones.in_storage() | set(Tombstone.objects.values_list("digest", flat=True))
    for archive in (reader, *newer):
        erased |= {name.removeprefix(TOMBSTONES) for name in archive.names if name.startswith(TOMBSTONES)}
    files = _restore_files(reader)
    with transaction.atomic():
        generation = ActiveModel.objects.values_list("generation", flat=True).first() or 0
        tables.empty()
        kept = tables.kept()
        rows = sum(
            tables.load(model, file)
            for name, file in reader.members(DATABASE)
            # Older backups hold imports.
            if (model := apps.get_model(name.removeprefix(DATABASE).removesuffix(".jsonl"))) in kept
        )
        tables.renumber()
        pointer = ActiveModel.locked()
        # Whoever still has the model of before in memory must notice.
        pointer.generation = max(pointer.generation, generation) + 1
        pointer.save()
        again = tombstones.find(erased)
        for person in again:
            erasure.erase(person)
        Tombstone.objects.bulk_create((Tombstone(digest=digest) for digest in erased), ignore_conflicts=True)
    tombstones.copy_out()
    return {"rows": rows, "files": files, "erased_again": len(again)}


def _check(reader: Reader, *, replace: bool) -> None:
    if reader.manifest["migrations"] != tables.migrations():
        raise NotRestorableError(
            "The backup was made by another version, whose tables differ. Restore it with that version, then upgrade."
        )
    alive = (
        Heartbeat.objects.exclude(kind=Heartbeat.Kind.TASK).filter(beat_at__gt=Now() - heartbeats.SILENT_AFTER).count()
    )
    if alive:
        raise NotRestorableError(
            f"{alive} processes are at work. Stop web, workers and scheduler; a minute later they count as gone."
        )
    if not replace and (Person.objects.exists() or apps.get_model("detections.Camera").objects.exists()):
        raise NotRestorableError("There are people or cameras here. To give up all that is here: --replace.")


def _restore_files(reader: Reader) -> int:
    """Before the rows: what a crash leaves behind belongs to nobody, and is collected."""
    count = 0
    for name, file in reader.members(STORAGE):
        data, place = file.read(), name.removeprefix(STORAGE)
        try:
            if storage.read(place) == data:
                continue
            storage.delete(place)
        except FileNotFoundError:
            pass
        storage.write_once(place, data)
        count += 1
    return count

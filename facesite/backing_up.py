"""Writes a backup while the installation runs: all rows as of one moment, and the photos and models that they name."""

import tempfile
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from facesite import archive, tables
from facesite.archive import Writer
from people import tombstones
from people.models import Photo, Tombstone
from recognition import storage
from recognition.models import TrainedModel

DATABASE, STORAGE, TOMBSTONES = "database/", "storage/", "tombstones/"


def back_up(path: Path) -> dict[str, int]:
    """Returns how many rows and files it holds, and how many files were erased or replaced meanwhile.

    Raises:
        FileExistsError: there is a file of this name.
        storage.StorageUnavailableError: nothing was written.
    """
    tombstones.copy_out()
    with archive.writing(path) as writer:
        with tables.one_moment():
            rows = _write_tables(writer, path.parent)
            files = list(Photo.objects.exclude(file="").values_list("file", flat=True))
            files += [trained.storage_name for trained in TrainedModel.objects.filter(retired_at=None)]
        gone = sum(not _write_file(writer, name) for name in files)
        for digest in tombstones.in_storage() | set(Tombstone.objects.values_list("digest", flat=True)):
            writer.add(f"{TOMBSTONES}{digest}", b"")
        writer.finish(
            made_at=timezone.now().isoformat(), node=settings.NODE_NAME, migrations=tables.migrations(), rows=rows
        )
    return {"rows": sum(rows.values()), "files": len(files) - gone, "gone": gone}


def _write_tables(writer: Writer, folder: Path) -> dict[str, int]:
    rows = {}
    for model in tables.kept():
        label = model._meta.label_lower  # noqa: SLF001
        # Beside the archive: that is where there is room.
        with tempfile.TemporaryFile(dir=folder) as file:
            rows[label] = tables.dump(model, file)
            size = file.tell()
            file.seek(0)
            writer.add_file(f"{DATABASE}{label}.jsonl", file, size)
    return rows


def _write_file(writer: Writer, name: str) -> bool:
    try:
        writer.add(f"{STORAGE}{name}", storage.read(name))
    except FileNotFoundError:
        return False
    return True

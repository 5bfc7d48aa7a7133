"""Takes a zip, or a folder file by file. What names and sizes tell is told before any photo is looked at."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from access import audit
from people.enrolment import too_large
from people.importing import archives
from people.importing.names import is_litter, places
from people.models import Import, ImportedPhoto, Person
from recognition import jobs, wakeup
from recognition.engine.errors import ImageError
from recognition.engine.images import inspect
from recognition.models import Job

Outcome = ImportedPhoto.Outcome


class ImportRefusedError(Exception):
    """Nothing of it was taken; the text says why."""


def take_archive(bulk: Import, file: BinaryIO, size: int, by: User) -> None:
    """All of a zip at once, or nothing of it; then a worker looks at the photos.

    Raises:
        ImportRefusedError: nothing was taken.
    """
    try:
        entries = archives.entries(file, size)
    except archives.ArchiveError as error:
        raise ImportRefusedError(str(error)) from error
    with _whole():
        rows = _expect(bulk, [entry.path for entry in entries], range(len(entries)))
        for row, entry in zip(rows, entries, strict=True):
            if row.outcome == Outcome.EXPECTED:
                _fill(row, entry)
        start(bulk, by)


def expect(bulk: Import, paths: Sequence[str]) -> None:
    """Note the files of a folder that will come one by one, and refuse by name what need not come.

    Raises:
        ImportRefusedError: nothing was taken.
    """
    numbers = [number for number, path in enumerate(paths) if not is_litter(path)]
    if not numbers:
        raise ImportRefusedError(_("There are no files in this folder."))
    if len(numbers) > settings.MAX_IMPORT_PHOTOS:
        raise ImportRefusedError(
            _("There are %(count)s files in this folder; %(most)s are taken at once.")
            % {"count": f"{len(numbers):,}", "most": f"{settings.MAX_IMPORT_PHOTOS:,}"}
        )
    with _whole():
        _expect(bulk, [paths[number] for number in numbers], numbers)


def receive(row: ImportedPhoto, data: bytes) -> None:
    """The bytes of an expected file. Sending it again changes nothing.

    Raises:
        ImportRefusedError: there is no room for more.
    """
    here = row.bulk.photos.aggregate(total=Sum("size"))["total"] or 0
    if here + len(data) > settings.MAX_IMPORT_BYTES:
        raise ImportRefusedError(
            _("These photos are more than %(most)s MiB. Import them in several parts.")
            % {"most": f"{settings.MAX_IMPORT_BYTES // 2**20:,}"}
        )
    values = _looked_into(data)
    ImportedPhoto.objects.filter(pk=row.pk, outcome=Outcome.EXPECTED).update(**values)


def start(bulk: Import, by: User) -> None:
    """Let a worker look at what has arrived. Starting twice changes nothing."""
    with transaction.atomic():
        bulk = Import.objects.select_for_update(of=("self",)).get(pk=bulk.pk)
        if bulk.job_id:
            return
        missing = {"outcome": Outcome.UNUSABLE, "explanation": _("It did not arrive. Import it again.")}
        bulk.photos.filter(outcome=Outcome.EXPECTED).update(**missing)
        total = bulk.photos.waiting().count()
        bulk.job = jobs.add(Job.Kind.IMPORT_PHOTOS, by, total=total)
        bulk.save(update_fields=["job"])
        audit.note(by, "import", "photos", [bulk.pk], photos=total)
        transaction.on_commit(lambda: wakeup.wake(wakeup.TRAINING, str(bulk.job_id)))


@contextmanager
def _whole() -> Iterator[None]:
    """A transaction. Raises ImportRefusedError if somebody whom its rows name was erased before it ended."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise ImportRefusedError(_("Somebody in it was erased while it came in. Send it again.")) from error


def _expect(bulk: Import, paths: Sequence[str], numbers: Iterable[int]) -> list[ImportedPhoto]:
    enrolled = {face_id: pk for pk, face_id in Person.objects.values_list("pk", "face_id")}
    alike = {face_id.casefold(): face_id for face_id in enrolled}
    bulk.save()
    rows = []
    for number, place in zip(numbers, places(paths), strict=True):
        row = ImportedPhoto(bulk=bulk, number=number, path=place.path, person_name=place.person)
        row.explanation = place.problem
        face_id = place.person if place.person in enrolled else alike.get(place.person.casefold(), "")
        row.person_id = enrolled.get(face_id)
        if place.problem:
            row.outcome = Outcome.UNUSABLE
        elif row.person_id and face_id != place.person:
            row.outcome = Outcome.UNUSABLE
            words = _("There is a person “%(person)s”. If this is the same, name the folder exactly so.")
            row.explanation = words % {"person": face_id}
        elif row.person_id and bulk.known == Import.Known.SKIP:
            row.outcome, row.explanation = Outcome.SKIPPED, _("This person is enrolled already.")
        rows.append(row)
    return ImportedPhoto.objects.bulk_create(rows)


def _fill(row: ImportedPhoto, entry: archives.Entry) -> None:
    try:
        values = {"outcome": Outcome.UNUSABLE, "explanation": entry.problem} if entry.problem else {}
        values = values or _looked_into(entry.unpack())
    except archives.ArchiveError as error:
        values = {"outcome": Outcome.UNUSABLE, "explanation": str(error)}
    ImportedPhoto.objects.filter(pk=row.pk).update(**values)


def _looked_into(data: bytes) -> dict:
    """Only what may be a photo is kept until a worker looks at it; nobody is enrolled for the sake of anything else."""
    if len(data) > settings.MAX_IMAGE_BYTES:
        return {"outcome": Outcome.UNUSABLE, "explanation": too_large()}
    try:
        inspect(data)
    except ImageError as error:
        return {"outcome": Outcome.UNUSABLE, "explanation": str(error)[:300]}
    return {"outcome": Outcome.WAITING, "image": data, "size": len(data)}

"""Enrols what an import brought, photo by photo: a worker that dies leaves the rest to the next one."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from access import audit
from people import enrolment
from people.likeness import looks_like
from people.models import Import, ImportedPhoto, Person, Photo
from recognition import jobs
from recognition.engine.errors import PackError
from recognition.models import Job
from recognition.storage import StorageUnavailableError

Outcome = ImportedPhoto.Outcome
# At one photo; the last attempt of a job is for the photos behind it.
MAX_ATTEMPTS = jobs.MAX_ATTEMPTS - 1


def perform(job: Job) -> None:
    """Look at every photo that waits; how each ended stands in its row, the count in the job.

    Raises:
        recognition.storage.StorageUnavailableError, recognition.engine.errors.PackError: what waits goes on waiting.
        jobs.JobError: the import is gone.
    """
    bulk = Import.objects.filter(job=job).first()
    if bulk is None:
        raise jobs.JobError("This import was deleted, or is not in the backup that was restored. Import it again.")
    over = job.total - bulk.photos.waiting().count()
    while row := bulk.photos.waiting().select_related("person").first():
        jobs.advance(job, f"Looked at {over} of {job.total} photos.", over, job.total)
        _enrol(row, bulk, job.requested_by)
        over += 1
    accepted = bulk.photos.filter(outcome=Outcome.ACCEPTED)
    people = accepted.values("person").distinct().count()
    jobs.advance(job, f"Photos accepted: {accepted.count()}; people: {people}.", job.total, job.total)


def _enrol(row: ImportedPhoto, bulk: Import, by: User | None) -> None:
    if row.attempts >= MAX_ATTEMPTS:
        if photo := row.person and _added_before(row, bulk, row.person):
            _settle(row, **_verdict(photo))
        else:
            _settle(row, outcome=Outcome.UNUSABLE, explanation=_("It could not be looked at. Use another photo."))
        return
    # Before anything is done with it: a worker that it kills says nothing afterwards.
    _update(row, attempts=row.attempts + 1)
    person = row.person or _find_or_add(row, bulk, by)
    if person is None:
        return
    values: dict = {}
    try:
        photo = _added_before(row, bulk, person) or enrolment.add_photo(person, bytes(row.image), by)
    except enrolment.DuplicatePhotoError as error:
        values = {"outcome": Outcome.DUPLICATE, "explanation": str(error)}
    except enrolment.EnrolmentError as error:
        values = {"outcome": Outcome.UNUSABLE, "explanation": str(error)}
    except (StorageUnavailableError, PackError):
        _update(row, attempts=row.attempts)  # not the photo's fault
        raise
    else:
        values = _verdict(photo)
        if photo.is_accepted:
            values["resembles"] = looks_like(photo, by)
    _settle(row, **values)


def _verdict(photo: Photo) -> dict:
    outcome = Outcome.ACCEPTED if photo.is_accepted else Outcome.REFUSED
    return {"outcome": outcome, "explanation": photo.explanation, "photo": photo}


def _added_before(row: ImportedPhoto, bulk: Import, person: Person) -> Photo | None:
    """The photo that a worker added for this row and died before it could say so."""
    if not row.attempts:
        return None
    told = ImportedPhoto.objects.exclude(photo=None).values("photo")
    new = person.photos.filter(sha256=enrolment.hash_of(bytes(row.image)), created_at__gt=bulk.created_at)
    return new.exclude(pk__in=told).first()


def _find_or_add(row: ImportedPhoto, bulk: Import, by: User | None) -> Person | None:
    """The person of this name for all photos of the import; None if somebody else has enrolled them meanwhile, and they
    are to be left as they are, or if somebody of this name was erased meanwhile, and the photos with them.
    """
    alike = bulk.photos.filter(person_name=row.person_name)
    with transaction.atomic():
        basis = bulk.new_person(row.person_name)
        # In the order in which erasure locks: people, then what is imported.
        person, is_new = Person.objects.select_for_update(no_key=True).get_or_create(
            face_id=row.person_name,
            defaults={
                "legal_basis": basis.legal_basis,
                "legal_basis_date": basis.legal_basis_date,
                "legal_basis_expires": basis.legal_basis_expires,
            },
        )
        if not alike.update(person=person):
            transaction.set_rollback(True)
            return None
        if is_new:
            audit.note(by, "add", "person", [person.pk])
        elif bulk.known == Import.Known.SKIP:
            skipped = {"outcome": Outcome.SKIPPED, "explanation": _("This person is enrolled already.")}
            alike.waiting().update(image=None, size=0, **skipped)
            return None
    return person


def _settle(row: ImportedPhoto, **values: object) -> None:
    _update(row, image=None, size=0, **values)


def _update(row: ImportedPhoto, **values: object) -> None:
    # Erased with the person meanwhile, it is no more.
    ImportedPhoto.objects.filter(pk=row.pk).update(**values)

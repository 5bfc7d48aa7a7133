"""Erases a person: rows, vectors, photos, sightings, queued crops, and every model that knows them."""

import logging
from collections import Counter
from contextlib import suppress

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from access import audit
from access.models import AuditEntry
from people import tombstones
from people.enrolment import delete_folder, folder_of
from people.models import ImportedPhoto, Person
from people.tombstones import remembered_as
from people.training import all_lawful, fit_gallery
from recognition import jobs, publishing, signing, storage, wakeup
from recognition.engine.errors import GallerySizeError, PackError
from recognition.engine.packs import find_pack
from recognition.models import ActiveModel, Job, TrainedModel
from recognition.publishing import LabelsGoneError
from recognition.storage import StorageUnavailableError

logger = logging.getLogger(__name__)

ATTEMPTS_AGAINST_OTHERS = 3


def erase(person: Person, by: audit.Principal = None) -> dict[str, int]:
    """Erase for good, asked by whoever `by` is; returns how many of what were removed, by kind.

    The others stay recognised throughout: a model without the person takes over before the old ones are retired. A
    process that may not publish one leaves that to the next training, which it asks for at once; until then, for less
    than a minute, the old model goes on serving, in which nobody is behind the person's label any more.
    Sightings, tracks and the crops queued on those tracks go by the cascade of the foreign keys.

    Raises:
        IntegrityError: crops of the person keep coming in faster than they can be removed. Nothing was erased.
        LabelsGoneError: others' legal bases keep ending while a model is made of them. Nothing was erased.
        StorageUnavailableError: photos and models could not be deleted. Nothing was erased.
    """
    storage.probe()
    for _ in range(ATTEMPTS_AGAINST_OTHERS - 1):
        # A crop that joins a track of the person just now is seen by the next attempt, and so is who may not be named.
        with suppress(IntegrityError, LabelsGoneError):
            return _erase(person, by)
    return _erase(person, by)


def _erase(person: Person, by: audit.Principal) -> dict[str, int]:
    with transaction.atomic():
        # Whoever publishes waits from here on, so no model with the person can appear in between.
        pointer = ActiveModel.locked()
        # In the order in which workers lock: people, then crops and tracks.
        Person.objects.select_for_update().filter(pk=person.pk).first()
        models = 0
        if pointer.model and pointer.model.labels.filter(label=person.label).exists():
            if signing.can_sign():
                _replace_model(pointer.model, person)
            else:
                models = publishing.retire_soon([person.label])
                _train_next()
        models = models or publishing.retire_models_with([person.label], publishing.ERASED)
        _, rows = LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(Person), object_id=str(person.pk)
        ).delete()
        AuditEntry.objects.filter(subject=person.label).delete()
        audit.note(by, "erase", "person", [remembered_as(person)])
        tombstones.set_for(person)
        counts = Counter(rows)
        # Photos that wait for somebody of this name would enrol the person again.
        counts.update(ImportedPhoto.objects.filter(person=None, person_name=person.face_id).delete()[1])
        counts.update(Person.objects.filter(pk=person.pk).delete()[1])
        transaction.on_commit(lambda: counts.update(files=_delete_files(folder_of(person))))
        transaction.on_commit(forget_write_ahead_log)
    logger.info("erased person %s", person.pk)
    return _in_words(counts) | {"models": models}


def _replace_model(trained: TrainedModel, person: Person) -> None:
    """Put a model without the person in service, or see to it that one will be: erasing must not wait for a pack,
    nor for another classifier.

    It is of the same pack: that in the settings may not have everyone's vectors yet.
    """
    try:
        pack = find_pack(settings.PACKS_DIR, trained.pack_id)
        read_at = timezone.now()
        fitted = fit_gallery(excluding=[person], pack=pack)
        publishing.publish(fitted, read_at=read_at, still_there=all_lawful)
    except (GallerySizeError, PackError) as error:
        logger.warning("erasing leaves no model in service until the next training: %s", error)
        _train_next()


def _train_next() -> None:
    job = jobs.request(Job.Kind.OPTIMIZED_TRAIN)
    transaction.on_commit(lambda: wakeup.wake(wakeup.TRAINING, str(job.pk)))


def _delete_files(folder: str) -> int:
    try:
        return delete_folder(folder)
    except StorageUnavailableError as error:
        # It answered a moment ago. The person is gone, so whatever is left in the folder counts as an orphan at once.
        logger.error("photos of somebody erased stay until orphans are collected: %s", error)  # noqa: TRY400
        return 0


def _in_words(counts: Counter) -> dict[str, int]:
    """`people.Photo` → `photo`."""
    return {name.rpartition(".")[2].lower(): count for name, count in sorted(counts.items()) if count}


def forget_write_ahead_log() -> None:
    """SQLite keeps old pages in its write-ahead log until it is truncated; it is not while somebody reads, a backup for
    instance. Then the next new connection does it (facesite/env.py), or retention, which ends with this every hour.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # It does not wait for who reads: it would keep all writers out meanwhile.
            cursor.execute("PRAGMA busy_timeout")
            (patience_ms,) = cursor.fetchone()
            cursor.execute("PRAGMA busy_timeout=0")
            try:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                cursor.execute(f"PRAGMA busy_timeout={patience_ms}")

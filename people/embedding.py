"""Gives the photos of everyone lawful vectors of the pack in the settings, and forgets those of packs not in use."""

import logging
import time
from collections.abc import Collection
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from people.enrolment import judge, store_vector
from people.models import Embedding, Person, Photo
from recognition import jobs, publishing, storage
from recognition.engine.packs import delete_replaced
from recognition.engine.pipeline import Pipeline
from recognition.models import Job

# Between tries to read a photo: a moment's fault of storage must not take it out of the next model.
PAUSES_S = 0.5, 2.0

logger = logging.getLogger(__name__)


def embed_all(job: Job, engine: Pipeline) -> None:
    """Embed every photo of everyone lawful again."""
    _embed(job, engine, _ids(_lawful()))


def embed_missing(job: Job, engine: Pipeline) -> None:
    """Embed the photos of everyone lawful that have no vector of this pack: after a change of pack, all of them.

    Those that somebody enrols meanwhile are embedded too, so that a model made right after this lacks nobody. After a
    crash the next attempt finds fewer missing.
    """
    missing = _lawful().exclude(embeddings__pack_id=engine.pack_id)
    unusable: set[UUID] = set()
    while ids := [pk for pk in _ids(missing) if pk not in unusable]:
        unusable |= _embed(job, engine, ids)


def forget_unused_packs(target: str) -> None:
    """Delete the vectors of packs that no live model was trained with, and such packs if others have replaced them.

    `target`: id of the pack in the settings, which is always kept.
    """
    kept = publishing.live_pack_ids() | {target}
    Embedding.objects.exclude(pack_id__in=kept).delete()
    delete_replaced(settings.PACKS_DIR, keep=kept)


def _lawful() -> QuerySet[Photo]:
    """The accepted photos of whoever may be recognised."""
    return Photo.objects.filter(refusal="", person__in=Person.objects.lawful())


def _ids(photos: QuerySet[Photo]) -> list[UUID]:
    # A list: reading on while writing would hold an old snapshot, from which SQLite refuses to write.
    return list(photos.order_by("pk").values_list("pk", flat=True))


def _embed(job: Job, engine: Pipeline, ids: Collection[UUID]) -> set[UUID]:
    """Those that cannot be used any more."""
    total, unusable = len(ids), set()
    for done, pk in enumerate(ids, start=1):
        photo = Photo.objects.filter(pk=pk).first()
        if photo is None or not _embed_one(photo, engine):
            unusable.add(pk)
        if done % 10 == 0 or done == total:
            jobs.advance(job, f"Embedded {done} of {total} photos, {len(unusable)} of them unusable now.", done, total)
    return unusable


def _embed_one(photo: Photo, engine: Pipeline) -> bool:
    """Whether the photo has a vector now; not if it cannot be used any more, or was erased meanwhile.

    Raises:
        storage.StorageUnavailableError: nor would storage answer for another photo.
    """
    content = _content(photo)
    if content is None:
        return False
    verdict = judge(content, engine)
    if verdict.refusal:
        return False
    with transaction.atomic():
        # Locked, so that an erasure either came first or takes the vector too.
        still_there = list(Photo.objects.select_for_update(no_key=True).filter(pk=photo.pk).values_list("pk"))
        if still_there:
            store_vector(photo, verdict.face, engine.pack_id)
    return bool(still_there)


def _content(photo: Photo) -> bytes | None:
    """None: it is gone, or cannot be read although storage answers.

    Raises:
        storage.StorageUnavailableError: as above.
    """
    for pause in (*PAUSES_S, None):
        try:
            return storage.read(photo.file.name)
        except FileNotFoundError:
            return None
        except storage.StorageUnavailableError as error:
            # If it is this file alone, the job would wait for it for ever, and all others with it.
            storage.probe()
            if pause is None:
                logger.error("photo %s cannot be read: %s", photo.pk, error)  # noqa: TRY400 - its text is all
            else:
                time.sleep(pause)
    return None

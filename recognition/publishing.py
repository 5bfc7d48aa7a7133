"""Puts trained models into object storage, signed, and moves the pointer of the one in service."""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from recognition import signing, storage
from recognition.engine import artifact
from recognition.engine.artifact import Model
from recognition.engine.errors import ArtifactError, PackError
from recognition.engine.packs import find_pack
from recognition.models import ActiveModel, ModelLabel, TrainedModel

logger = logging.getLogger(__name__)

KEPT_MODELS = 10
# The sweeper looks every few seconds; within a minute of an erasure nothing may know the person any more.
LONGEST_LEAVE = timedelta(seconds=45)
ERASED = "a person it knew was erased"


class LabelsGoneError(Exception):
    """A label of the new model was erased while it was being trained."""


class NotActivableError(Exception):
    """The model is retired and its artifact gone, or its pack is."""


def wanted_rate() -> float:
    """The share of strangers that the next model may name."""
    chosen = ActiveModel.objects.filter(pk=ActiveModel.SINGLETON).values_list("wanted_rate", flat=True).first()
    return settings.FALSE_ALARM_RATE if chosen is None else chosen


def want_rate(rate: float) -> None:
    """Choose it, for all trainings from now on."""
    with transaction.atomic():
        pointer = ActiveModel.locked()
        pointer.wanted_rate = rate
        pointer.save(update_fields=["wanted_rate"])


def publish(model: Model, *, read_at: datetime, still_there: Callable[[Collection[str]], bool]) -> TrainedModel:
    """Store the artifact once under its own hash and make it the model in service.

    `read_at`: when what it learnt from began to be read; what changed since is not in it. `still_there(labels)` is
    asked inside the transaction that moves the pointer, so that nobody erased meanwhile comes back.

    Raises:
        LabelsGoneError: if it says no; nothing is published then.
        signing.CannotSignError: this process has no private key.
        storage.StorageUnavailableError: nothing is published then.
    """
    data = artifact.dump(model)
    sha256 = hashlib.sha256(data).hexdigest()
    trained = TrainedModel(
        sha256=sha256,
        signature=signing.sign(sha256, model.pack_id),
        pack_id=model.pack_id,
        classifier=model.classifier.kind,
        threshold=model.classifier.threshold,
        false_alarm_rate=model.false_alarm_rate,
        expected_miss_rate=model.classifier.expected_miss_rate,
        trade_offs=[asdict(one) for one in model.trade_offs],
        people_count=len(model.classifier.labels),
        vector_count=model.vector_count,
        size=len(data),
        read_at=read_at,
    )
    with transaction.atomic():
        pointer = ActiveModel.locked()
        if not still_there(model.classifier.labels):
            raise LabelsGoneError
        _store(trained.storage_name, data)
        existing = TrainedModel.objects.filter(sha256=trained.sha256).first()
        if existing is None:
            trained.save()
        else:
            existing.signature, existing.fault = trained.signature, ""
            existing.trade_offs, existing.read_at = trained.trade_offs, read_at
            existing.retired_at, existing.retired_because = None, ""
            existing.save()
            trained = existing
        ModelLabel.objects.bulk_create(
            (ModelLabel(model=trained, label=label) for label in model.classifier.labels), ignore_conflicts=True
        )
        _point(pointer, trained)
    _retire_oldest()
    _retire(TrainedModel.objects.filter(retired_at=None, leaves_at__isnull=False), ERASED)
    return trained


def activate(trained: TrainedModel) -> ActiveModel:
    """Move the pointer to a model published before (roll back, or forward again).

    Raises:
        NotActivableError: the model is retired, or its pack is not there.
    """
    try:
        find_pack(settings.PACKS_DIR, trained.pack_id)
    except PackError as error:
        raise NotActivableError(str(error)) from error
    with transaction.atomic():
        pointer = ActiveModel.locked()
        trained.refresh_from_db()
        if trained.retired_at:
            raise NotActivableError(f"This model was retired ({trained.retired_because}). Train a new one.")
        if trained.leaves_at:
            raise NotActivableError(f"This model is being retired ({ERASED}). A new one is on its way.")
        return _point(pointer, trained)


def live_pack_ids() -> set[str]:
    """Packs of the models that serve or may be put in service again."""
    return set(TrainedModel.objects.filter(retired_at=None).values_list("pack_id", flat=True))


def retire_models_with(labels: Collection[str], because: str) -> int:
    """Take every model that lists one of the labels out of service and delete its artifact; returns how many."""
    return _retire(_live_with(labels), because)


def retire_soon(labels: Collection[str]) -> int:
    """The same for labels that were erased where no successor can be signed: the model in service stays until one is
    published, or until `LONGEST_LEAVE` is over. Nobody is behind the labels any more, so it cannot name them.
    """
    with transaction.atomic():
        pointer = ActiveModel.locked()
        serving = _live_with(labels).filter(pk=pointer.model_id)
        leaving = TrainedModel.objects.filter(pk__in=serving.values("pk"))
        leaving.filter(leaves_at=None).update(leaves_at=Now() + LONGEST_LEAVE)
        return leaving.count() + _retire(_live_with(labels).exclude(pk=pointer.model_id), ERASED)


def retire_overdue() -> int:
    """Take a model that knows somebody erased out of service if no other has come in time."""
    overdue = TrainedModel.objects.filter(retired_at=None, leaves_at__lt=Now())
    return _retire(overdue, ERASED) if overdue.exists() else 0


def sign_unsigned() -> tuple[int, int]:
    """Sign the live models that no known key has signed; returns how many were, and how many cannot be.

    Only the hash in the database vouches for them. So this is for models from before signatures, and for the change of
    keys: a person decides on it.

    Raises:
        signing.CannotSignError: this process has no private key.
    """
    signing.require_key()
    signed = refused = 0
    for trained in TrainedModel.objects.filter(retired_at=None):
        if signing.is_signed(trained.sha256, trained.pack_id, trained.signature):
            continue
        try:
            model = artifact.load(storage.read(trained.storage_name, size=trained.size), sha256=trained.sha256)
        except (ArtifactError, FileNotFoundError) as error:
            logger.warning("model %s was not signed: %s", trained.pk, error)
            refused += 1
            continue
        signature = signing.sign(trained.sha256, model.pack_id)
        TrainedModel.objects.filter(pk=trained.pk).update(signature=signature, pack_id=model.pack_id, fault="")
        signed += 1
    return signed, refused


def _live_with(labels: Collection[str]) -> QuerySet[TrainedModel]:
    return TrainedModel.objects.filter(retired_at=None, labels__label__in=labels).distinct()


def _retire(models: Iterable[TrainedModel], because: str) -> int:
    """Rows stay as a record without labels; artifacts go once the transaction holds."""
    with transaction.atomic():
        pointer = ActiveModel.locked()
        # Evaluated under the lock: a model put in service a moment ago is none of the superseded ones.
        models = list(models)
        if pointer.model_id in {trained.pk for trained in models}:
            _point(pointer, None)
        for trained in models:
            trained.labels.all().delete()
            trained.retired_at, trained.retired_because = timezone.now(), because
            trained.leaves_at = None
            trained.save()
        transaction.on_commit(lambda: _delete_artifacts([trained.pk for trained in models]))
    return len(models)


def _delete_artifacts(ids: Collection[int]) -> None:
    try:
        with transaction.atomic():
            # Equal data makes an equal artifact, so a retired model can be published again: not while we delete it.
            ActiveModel.locked()
            for trained in TrainedModel.objects.filter(pk__in=ids, retired_at__isnull=False):
                storage.delete(trained.storage_name)
    except storage.StorageUnavailableError as error:
        # The models are out of service already; what they leave behind is found by its lack of a live row.
        logger.error("artifacts of retired models stay until orphans are collected: %s", error)  # noqa: TRY400


def delete_stray_artifacts() -> int:
    """Delete artifacts that belong to no live model: a crash may come between storing and committing, or between
    committing and deleting. Returns how many.
    """
    with transaction.atomic():
        # Whoever publishes waits, so an artifact without a row is nobody's.
        ActiveModel.locked()
        _, files = storage.listing(TrainedModel.FOLDER)
        live = {trained.storage_name for trained in TrainedModel.objects.filter(retired_at=None)}
        stray = [name for file in files if (name := f"{TrainedModel.FOLDER}/{file}") not in live]
        for name in stray:
            storage.delete(name)
    return len(stray)


def _store(name: str, data: bytes) -> None:
    """Write the artifact unless it is there, whole: a crash or a failing disk may have left something else."""
    try:
        if storage.read(name) == data:
            return
    except FileNotFoundError:
        pass
    else:
        storage.delete(name)
    storage.write_once(name, data)


def _retire_oldest() -> None:
    live = TrainedModel.objects.filter(retired_at=None, activemodel=None).order_by("-pk")
    _retire(live[KEPT_MODELS:], "superseded")


def _point(pointer: ActiveModel, trained: TrainedModel | None) -> ActiveModel:
    pointer.model = trained
    pointer.generation += 1
    pointer.save()
    logger.info("model %s in service, generation %s", trained.pk if trained else "none", pointer.generation)
    return pointer

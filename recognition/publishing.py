"""Puts trained models into object storage and moves the pointer of the one in service."""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from recognition.engine import artifact
from recognition.engine.artifact import Model
from recognition.engine.errors import PackError
from recognition.engine.packs import find_pack
from recognition.models import ActiveModel, ModelLabel, TrainedModel

logger = logging.getLogger(__name__)

KEPT_MODELS = 10


class LabelsGoneError(Exception):
    """A label of the new model was erased while it was being trained."""


class NotActivableError(Exception):
    """The model is retired and its artifact gone, or its pack is."""


def publish(model: Model, *, still_there: Callable[[Collection[str]], bool]) -> TrainedModel:
    """Store the artifact once under its own hash and make it the model in service.

    `still_there(labels)` is asked inside the transaction that moves the pointer, so that nobody erased meanwhile
    comes back.

    Raises:
        LabelsGoneError: if it says no; nothing is published then.
    """
    data = artifact.dump(model)
    trained = TrainedModel(
        sha256=hashlib.sha256(data).hexdigest(),
        pack_id=model.pack_id,
        classifier=model.classifier.kind,
        threshold=model.classifier.threshold,
        false_alarm_rate=model.false_alarm_rate,
        expected_miss_rate=model.classifier.expected_miss_rate,
        people_count=len(model.classifier.labels),
        vector_count=model.vector_count,
        size=len(data),
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
            trained = existing
            TrainedModel.objects.filter(pk=trained.pk).update(retired_at=None, retired_because="")
        ModelLabel.objects.bulk_create(
            (ModelLabel(model=trained, label=label) for label in model.classifier.labels), ignore_conflicts=True
        )
        _point(pointer, trained)
    _retire_oldest()
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
        return _point(pointer, trained)


def live_pack_ids() -> set[str]:
    """Packs of the models that serve or may be put in service again."""
    return set(TrainedModel.objects.filter(retired_at=None).values_list("pack_id", flat=True))


def retire_models_with(labels: Collection[str], because: str) -> int:
    """Take every model that lists one of the labels out of service and delete its artifact; returns how many."""
    trained = TrainedModel.objects.filter(retired_at=None, labels__label__in=labels).distinct()
    return _retire(trained, because)


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
            trained.save()
        transaction.on_commit(lambda: _delete_artifacts([trained.pk for trained in models]))
    return len(models)


def _delete_artifacts(ids: Collection[int]) -> None:
    with transaction.atomic():
        # Equal data makes an equal artifact, so a retired model can be published again: not while we delete it.
        ActiveModel.locked()
        for trained in TrainedModel.objects.filter(pk__in=ids, retired_at__isnull=False):
            default_storage.delete(trained.storage_name)


def delete_stray_artifacts() -> int:
    """Delete artifacts that belong to no live model: a crash may come between storing and committing, or between
    committing and deleting. Returns how many.
    """
    with transaction.atomic():
        # Whoever publishes waits, so an artifact without a row is nobody's.
        ActiveModel.locked()
        try:
            _, files = default_storage.listdir(TrainedModel.FOLDER)
        except FileNotFoundError:
            return 0
        live = {trained.storage_name for trained in TrainedModel.objects.filter(retired_at=None)}
        stray = [name for file in files if (name := f"{TrainedModel.FOLDER}/{file}") not in live]
        for name in stray:
            default_storage.delete(name)
    return len(stray)


def _store(name: str, data: bytes) -> None:
    """Write the artifact unless it is there, whole: a crash or a failing disk may have left something else."""
    if default_storage.exists(name):
        with default_storage.open(name) as file:
            if file.read() == data:
                return
        default_storage.delete(name)
    default_storage.save(name, ContentFile(data))


def _retire_oldest() -> None:
    live = TrainedModel.objects.filter(retired_at=None, activemodel=None).order_by("-pk")
    _retire(live[KEPT_MODELS:], "superseded")


def _point(pointer: ActiveModel, trained: TrainedModel | None) -> ActiveModel:
    pointer.model = trained
    pointer.generation += 1
    pointer.save()
    logger.info("model %s in service, generation %s", trained.pk if trained else "none", pointer.generation)
    return pointer

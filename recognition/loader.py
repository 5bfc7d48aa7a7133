"""What each process keeps in memory: the engine, and the model in service, swapped between batches.

A process compares the pointer's generation before each batch: one primary-key read. A new model is loaded and probed
first and only then replaces the old one; if that fails the old one goes on serving and the log says so. A model serves
with the engine of its own pack. The pack in the settings is the one to which new photos and the next model belong.
"""

import logging
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
from django.conf import settings
from django.db import DatabaseError, connection

from recognition import metrics, signing, storage
from recognition.engine import artifact
from recognition.engine.classifier import Classifier, empty_classifier
from recognition.engine.detector import open_detector
from recognition.engine.embedder import OnnxEmbedder
from recognition.engine.errors import ArtifactError, PackError
from recognition.engine.packs import MANIFEST, Pack, find_pack, open_pack
from recognition.engine.pipeline import Pipeline
from recognition.models import ActiveModel, TrainedModel

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 10.0


class ModelUnavailableError(Exception):
    """There is a model in service, but this process has none to work with."""


@dataclass(frozen=True)
class Serving:
    """The engine and the classifier that belong together, and where they came from (model id None: nothing is trained
    yet).
    """

    generation: int
    model_id: int | None
    pipeline: Pipeline
    classifier: Classifier


def pipeline() -> Pipeline:
    """The engine of the pack in the settings, built on first use (after a fork, never before one), and again once the
    pack was replaced.

    Raises:
        PackError: the pack is missing or damaged; the text says how to build it.
    """
    folder = settings.PACKS_DIR / settings.PACK
    manifest = folder / MANIFEST
    return _pipeline(folder, manifest.stat().st_mtime_ns if manifest.exists() else 0)


@lru_cache(maxsize=1)
def _pipeline(folder: Path, built_at: int) -> Pipeline:
    return _started(open_pack(folder))


def _started(pack: Pack) -> Pipeline:
    # A process per core, or threads that share it: OpenCV's own threads would only get in the way.
    cv2.setNumThreads(1)
    detect = metrics.staged("detect", open_detector(pack).detect)
    embed = metrics.staged("embed", OnnxEmbedder(pack).embed)
    return Pipeline(pack, detector=SimpleNamespace(detect=detect), embedder=SimpleNamespace(embed=embed))


class ModelLoader:
    """Holds the model in service for one process. Thread-safe: one thread swaps, the others go on with the old one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._serving: Serving | None = None
        self._failed: tuple[int, float] = (-1, 0.0)

    def current(self) -> Serving:
        """The model to use for the next batch.

        Raises:
            PackError, ModelUnavailableError: this process has loaded none yet, and cannot load the one in service. To
                call everyone unknown instead would be a wrong answer.
        """
        asked = time.monotonic()
        if not self._is_settled(_generation()) and self._lock.acquire(blocking=self._serving is None):
            try:
                # Read again: another thread may have swapped, and the pointer moved, since.
                pointer = _pointer()
                # Whoever waited for somebody else's attempt, which failed, need not make the same: storage may be slow.
                if not self._is_settled(pointer.generation) and not self._failed_since(pointer.generation, asked):
                    self._swap(pointer.generation, pointer.model)
            finally:
                self._lock.release()
        if self._serving is None:
            raise ModelUnavailableError("The model in service cannot be loaded. The server's log says why.")
        return self._serving

    @property
    def generation(self) -> int | None:
        """Of the model in memory, which is compared with the one in service before the next batch; None: none yet."""
        return self._serving.generation if self._serving else None

    def _is_settled(self, generation: int) -> bool:
        """Whether this generation serves, or failed so lately that trying again would only take time."""
        failed, at = self._failed
        return self._serving is not None and (
            self._serving.generation == generation or (failed == generation and time.monotonic() - at < RETRY_AFTER_S)
        )

    def _failed_since(self, generation: int, moment: float) -> bool:
        failed, at = self._failed
        return failed == generation and at > moment

    def _swap(self, generation: int, trained: TrainedModel | None) -> None:
        try:
            engine = self._engine(trained.pack_id) if trained else pipeline()
            classifier = _load(trained, engine) if trained else empty_classifier(engine.dimension)
        except Exception as error:
            if isinstance(error, PackError) and self._serving is None:
                raise
            # Storage raises errors of its own; none may take the old model away.
            kept = "the old model goes on serving" if self._serving else "there is no other"
            reason = f"{type(error).__name__}: {error}"
            logger.error("generation %s cannot be loaded, %s: %s", generation, kept, reason)  # noqa: TRY400
            metrics.MODEL_LOADS.labels("failed").inc()
            self._failed = (generation, time.monotonic())
            if trained:
                _tell(trained, f"{settings.NODE_NAME}: {reason}")
            return
        self._serving = Serving(generation, trained.pk if trained else None, engine, classifier)
        metrics.MODEL_LOADS.labels("loaded").inc()
        logger.info("generation %s loaded: %s people, %s", generation, len(classifier.labels), engine.pack_id)
        if trained and trained.fault:
            _tell(trained, "")

    def _engine(self, pack_id: str) -> Pipeline:
        """That of this pack: the one in memory if it is the same."""
        if self._serving and self._serving.pipeline.pack_id == pack_id:
            return self._serving.pipeline
        pack = find_pack(settings.PACKS_DIR, pack_id)
        return pipeline() if pack.folder == settings.PACKS_DIR / settings.PACK else _started(pack)


def _generation() -> int:
    # Asked for every request: building the query with the ORM takes ten times as long as running it.
    with connection.cursor() as cursor:
        cursor.execute("SELECT generation FROM recognition_activemodel WHERE id = %s", [ActiveModel.SINGLETON])
        row = cursor.fetchone()
    return row[0] if row else 0


def _pointer() -> ActiveModel:
    found = ActiveModel.objects.select_related("model").filter(pk=ActiveModel.SINGLETON).first()
    return found or ActiveModel()


def _load(trained: TrainedModel, engine: Pipeline) -> Classifier:
    """Read, check and try out an artifact.

    Raises:
        ArtifactError: not signed, corrupt, of another pack than its row says, or unable to answer.
        FileNotFoundError, storage.StorageUnavailableError: storage has no such object, or does not answer.
    """
    if not signing.is_signed(trained.sha256, trained.pack_id, trained.signature):
        raise ArtifactError("The model is not signed by a key that is known here (MODEL_VERIFY_KEYS).")
    if trained.size > artifact.MAX_BYTES:
        raise ArtifactError(f"A model cannot have {trained.size} bytes.")
    model = artifact.load(storage.read(trained.storage_name, size=trained.size), sha256=trained.sha256)
    if model.pack_id != engine.pack_id:
        raise ArtifactError(f"The model was trained with pack {model.pack_id}, not with {engine.pack_id}. Train again.")
    probe = np.eye(1, engine.dimension, dtype=np.float32)
    if len(model.classifier.identify(probe)) != 1:
        raise ArtifactError("The model does not answer a probe.")
    return model.classifier


def _tell(trained: TrainedModel, fault: str) -> None:
    """Show in the admin that a process cannot load the model in service, or (empty) that one can again."""
    try:
        TrainedModel.objects.filter(pk=trained.pk).update(fault=fault[:300])
    except DatabaseError:
        logger.exception("the fault could not be recorded")


loader = ModelLoader()

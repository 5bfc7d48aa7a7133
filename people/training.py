"""Makes a model of everyone who may be recognised, from the stored vectors."""

from collections.abc import Collection, Iterable

import numpy as np
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import IntegrityError

from people.enrolment import judge, store_vector
from people.models import Embedding, Person, Photo
from recognition import jobs, publishing
from recognition.engine.artifact import Model
from recognition.engine.fitting import fit
from recognition.loader import pipeline
from recognition.models import Job, TrainedModel

ATTEMPTS_AGAINST_ERASURE = 3


def perform(job: Job) -> TrainedModel | None:
    """Do what the job's kind asks; progress goes into the job."""
    if job.kind in {Job.Kind.GENERATE_EMB, Job.Kind.TRAIN}:
        regenerate_embeddings(job)
    if job.kind == Job.Kind.GENERATE_EMB:
        return None
    jobs.advance(job, "Training.", 0, 1)
    trained = train()
    jobs.advance(job, f"Model {trained.pk} with {trained.people_count} people is in service.", 1, 1)
    return trained


def regenerate_embeddings(job: Job) -> None:
    """Embed every accepted photo again with the pack in use, for instance after the pack was changed."""
    # Ids first: reading on while writing would hold an old snapshot, from which SQLite refuses to write.
    ids = list(Photo.objects.filter(refusal="").order_by("pk").values_list("pk", flat=True))
    total, unusable = len(ids), 0
    for done, pk in enumerate(ids, start=1):
        photo = Photo.objects.filter(pk=pk).first()
        unusable += photo is None or not _embed_again(photo)
        if done % 10 == 0 or done == total:
            jobs.advance(job, f"Embedded {done} of {total} photos, {unusable} of them unusable now.", done, total)


def train() -> TrainedModel:
    """Fit the classifier to the vectors of everyone lawful and put it in service. No one enrolled: nobody is named.

    Raises:
        jobs.JobError: people are being erased faster than this can train.
    """
    for _ in range(ATTEMPTS_AGAINST_ERASURE):
        try:
            return publishing.publish(fit_gallery(), still_there=all_lawful)
        except publishing.LabelsGoneError:
            continue
    raise jobs.JobError("People were erased while the model was trained. Train again.")


def fit_gallery(excluding: Collection[Person] = ()) -> Model:
    """A model of the current pack's vectors, without the people in `excluding`."""
    rows = (
        Embedding.objects.filter(
            pack_id=pipeline().pack_id, photo__refusal="", photo__person__in=Person.objects.lawful()
        )
        .exclude(photo__person__in=excluding)
        # One order for equal content: equal galleries make equal artifacts.
        .order_by("photo__person_id", "photo__sha256")
        .values_list("photo__person_id", "vector")
    )
    labels, vectors = _stack(rows)
    rate = settings.FALSE_ALARM_RATE
    classifier = fit(settings.CLASSIFIER, vectors, labels, false_alarm_rate=rate, pack=pipeline().pack)
    return Model(classifier=classifier, pack_id=pipeline().pack_id, false_alarm_rate=rate, vector_count=len(labels))


def all_lawful(labels: Collection[str]) -> bool:
    """Whether everyone behind these labels still exists and may be recognised."""
    known = {str(pk) for pk in Person.objects.lawful().values_list("pk", flat=True)}
    return known.issuperset(labels)


def _stack(rows: Iterable[tuple]) -> tuple[list[str], np.ndarray]:
    """Labels, and their vectors as float32 (N, D)."""
    labels, vectors = [], []
    for person_id, vector in rows:
        labels.append(str(person_id))
        vectors.append(np.frombuffer(vector, dtype="<f4"))
    return labels, np.stack(vectors) if vectors else np.empty((0, pipeline().dimension), np.float32)


def _embed_again(photo: Photo) -> bool:
    """Whether the photo has a vector now; not if it cannot be used any more, or was erased meanwhile."""
    try:
        with default_storage.open(photo.file.name) as file:
            verdict = judge(file.read())
        if verdict.refusal:
            return False
        store_vector(photo, verdict.face)
    except (FileNotFoundError, IntegrityError):
        return False
    return True

"""Makes a model of everyone who may be recognised, from the stored vectors."""

from collections.abc import Collection

from django.conf import settings
from django.utils import timezone

from people import embedding, gallery, lookalikes, mixups
from people.models import Embedding, Lookalike, Person, Photo
from recognition import jobs, publishing
from recognition.engine.artifact import Model
from recognition.engine.errors import GallerySizeError
from recognition.engine.fitting import Rejected, learn
from recognition.engine.packs import Pack
from recognition.loader import pipeline
from recognition.models import ActiveModel, Job, TrainedModel
from recognition.signing import CannotSignError

ATTEMPTS_AGAINST_ERASURE = 10  # a list of people may be erased one by one meanwhile
# What is offered to choose from.
RATES = (1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1)


def perform(job: Job) -> TrainedModel | None:
    """Do what the job's kind asks, with the pack in the settings; progress goes into the job.

    The model in service stays until the new one is complete, also if that belongs to another pack.
    """
    engine = pipeline()
    if job.kind in {Job.Kind.GENERATE_EMB, Job.Kind.TRAIN}:
        embedding.embed_all(job, engine)
    if job.kind == Job.Kind.GENERATE_EMB:
        return None
    embedding.embed_missing(job, engine)
    jobs.advance(job, "Training.", 0, 1)
    trained = train(engine.pack, job)
    embedding.forget_unused_packs(engine.pack_id)
    outcome = f"Model {trained.pk} with {trained.people_count} people is in service."
    if trained.expected_miss_rate is not None:
        outcome += f" It is expected to miss {trained.expected_miss_rate:.1%} of their photos."
    jobs.advance(job, f"{outcome} Looking for mixed-up photos.", 1, 1)
    pending = mixups.look(engine.pack)
    if pending:
        outcome += f" Possible mix-ups of photos or face ids, to be looked at in the admin: {pending}."
    jobs.advance(job, outcome, 1, 1)
    return trained


def train(pack: Pack | None = None, job: Job | None = None) -> TrainedModel:
    """Fit the classifier to the vectors of everyone lawful and put it in service. No one enrolled: nobody is named.

    `pack`: whose vectors; that of the settings by default. `job`: for which, if it is for one.

    Raises:
        jobs.LeaseLostError: somebody else has the job by now; nothing was published.
        jobs.JobError: people are being erased faster than this can train, or are too many for the classifier; or this
            process has no private key.
        storage.StorageUnavailableError: nothing was published.
    """

    def may_serve(labels: Collection[str]) -> bool:
        if job:
            jobs.require_held(job)
        return all_lawful(labels)

    for _ in range(ATTEMPTS_AGAINST_ERASURE):
        read_at = timezone.now()
        try:
            return publishing.publish(fit_gallery(pack=pack), read_at=read_at, still_there=may_serve)
        except publishing.LabelsGoneError:
            continue
        except (GallerySizeError, CannotSignError) as error:
            raise jobs.JobError(str(error)) from error
    raise jobs.JobError("People were erased while the model was trained. Train again.")


def fit_gallery(excluding: Collection[Person] = (), *, pack: Pack | None = None) -> Model:
    """A model of a pack's vectors (by default of the pack in the settings), without the people in `excluding`."""
    pack = pack or pipeline().pack
    vectors, labels, _ = gallery.read(pack, excluding=excluding)
    rate = publishing.wanted_rate()
    rejected = Rejected(*lookalikes.read(pack, excluding=excluding))
    fitted = learn(settings.CLASSIFIER, vectors, labels, pack=pack, rejected=rejected)
    return Model(
        classifier=fitted.classifier(rate),
        pack_id=pack.id,
        false_alarm_rate=rate,
        vector_count=len(labels),
        trade_offs=fitted.trade_offs(sorted({*RATES, rate})),
    )


def all_lawful(labels: Collection[str]) -> bool:
    """Whether everyone behind these labels still exists and may be recognised."""
    known = {str(pk) for pk in Person.objects.lawful().values_list("pk", flat=True)}
    return known.issuperset(labels)


def is_outdated() -> bool:
    """Whether people, photos or names that were put right changed since the training of the model in service began."""
    pointer = ActiveModel.objects.select_related("model").filter(pk=ActiveModel.SINGLETON, model__isnull=False).first()
    accepted = Photo.objects.filter(refusal="")
    if pointer is None:
        return accepted.filter(person__in=Person.objects.lawful()).exists()
    # Asked for every page of the model, so those few who may not be recognised are taken off, not all others looked at.
    barred = list(Photo.objects.filter(person__in=Person.objects.unlawful()).values_list("pk", flat=True))
    read_at = pointer.model.read_at
    if accepted.filter(created_at__gt=read_at).exclude(pk__in=barred).exists():
        return True
    if Lookalike.objects.filter(created_at__gt=read_at, pack_id=pointer.model.pack_id).exists():
        return True
    vectors = Embedding.objects.filter(pack_id=pointer.model.pack_id)
    return vectors.count() - vectors.filter(photo__in=barred).count() != pointer.model.vector_count

"""Training: labelled vectors to a classifier."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from recognition.engine.calibration import Evidence, Floats, TradeOff, calibrate, expected_threshold, trade_off
from recognition.engine.classifier import LinearClassifier, empty_classifier
from recognition.engine.embedder import unit
from recognition.engine.errors import GallerySizeError
from recognition.engine.faces import Vectors
from recognition.engine.gallery import Gallery, refuse_unusable
from recognition.engine.packs import Impostors, Pack

KINDS = ("gallery", "linear-svm")

_RUNNER_UP_SHARE = 0.4  # measured with bench.variants: 0.2 to 0.6 are alike, 0 is worse
_CHUNK = 4_000_000  # similarities computed at once: 16 MB
_SIMILARITIES = 50_000_000  # for calibration, a quarter of a second on one core; galleries that need more are sampled
_FEWEST_ROWS = 5_000  # but not below this
_AWAY = 0.15  # measured with bench.corrections: more costs the person more than it spares others
_SVM_PENALTY = 10.0
_SVM_FOLDS = 3
_SVM_FEWEST_PEOPLE = 10
_SVM_COMPARISONS = 5_000_000  # of each person with each photo: measured with bench.training, a quarter of a minute


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A classifier that has no threshold yet, and what one is chosen by; evidence None: it knows nobody."""

    uncalibrated: LinearClassifier
    impostors: Impostors
    evidence: Evidence | None = None

    def classifier(self, false_alarm_rate: float) -> LinearClassifier:
        """One that names this share of strangers. Raises ValueError for a rate that cannot be."""
        if self.evidence is None:
            return self.uncalibrated
        return replace(self.uncalibrated, calibration=calibrate(self.evidence, false_alarm_rate, self.impostors))

    def trade_offs(self, rates: Iterable[float]) -> tuple[TradeOff, ...]:
        """What each of these rates would mean; nothing where nobody is known."""
        if self.evidence is None:
            return ()
        return tuple(trade_off(self.evidence, rate, self.impostors) for rate in rates)


@dataclass(frozen=True, slots=True, eq=False)
class Rejected:
    """Faces that were taken for somebody, and are not theirs: vectors (N, D), and of each the label that it is not."""

    vectors: Vectors
    labels: Sequence[str]


def fit(
    kind: str,
    vectors: Vectors,
    labels: Sequence[str],
    *,
    false_alarm_rate: float,
    pack: Pack,
    cohort: Vectors | None = None,
    rejected: Rejected | None = None,
) -> LinearClassifier:
    """A classifier as `learn` makes it, that names this share of strangers. Raises what that does, and ValueError for
    another rate than can be.
    """
    fitted = learn(kind, vectors, labels, pack=pack, cohort=cohort, rejected=rejected)
    return fitted.classifier(false_alarm_rate)


def learn(
    kind: str,
    vectors: Vectors,
    labels: Sequence[str],
    *,
    pack: Pack,
    cohort: Vectors | None = None,
    rejected: Rejected | None = None,
) -> Fitted:
    """Learns (N, D) vectors of one pack, with a label for each.

    `gallery` compares with each person's mean. `linear-svm` separates each person from all photos of the others, which
    takes time that grows with people times photos; below ten people there is too little to learn "unknown" from, so
    that it gives a gallery.
    `cohort`: vectors of strangers, one of each, that make the threshold more exact; without, the pack's own.
    `rejected`: a gallery moves each person away from what was wrongly taken for them; a linear SVM makes no use of it.
    Raises ValueError for another kind, numbers of vectors and labels, or vectors that are zero or no numbers;
    GallerySizeError for more than a linear SVM can take.
    """
    if kind not in KINDS:
        raise ValueError(f"The classifier must be one of {', '.join(KINDS)}, not {kind!r}.")
    gallery = Gallery.of(vectors, labels, pack.dimension)
    if not gallery.labels:
        return Fitted(empty_classifier(pack.dimension), pack.manifest.impostors)
    if kind == "linear-svm" and len(gallery.labels) >= _SVM_FEWEST_PEOPLE:
        _refuse_too_many(len(gallery.labels), len(labels))
        impostors = _svm_impostors(len(gallery.labels))
        classifier, evidence = _svm(gallery.labels, gallery.vectors, gallery.owners), _svm_evidence(gallery)
    else:
        impostors = pack.manifest.impostors
        classifier = nearest_mean(gallery, pack)
        if rejected and len(rejected.labels):
            classifier = replace(classifier, weights=_moved_away(classifier, rejected))
        evidence = _gallery_evidence(classifier, gallery)
    cohort = pack.cohort() if cohort is None else cohort
    refuse_unusable(cohort)
    scores = classifier.score(cohort)[1]
    evidence = replace(
        evidence,
        stranger_scores=np.concatenate([evidence.stranger_scores, scores]),
        stranger_weights=np.concatenate([evidence.stranger_weights, np.ones(len(scores))]),
        cohort=len(scores),
    )
    return Fitted(classifier, impostors, evidence)


def nearest_mean(gallery: Gallery, pack: Pack) -> LinearClassifier:
    """The classifier `gallery`, not calibrated."""
    return _linear("gallery", gallery.labels, gallery.directions(), pack.manifest.impostors)


def expected_similarity(pack: Pack, false_alarm_rate: float) -> float:
    """The cosine from which a gallery of one person names them, going by the pack's figures alone."""
    impostors = pack.manifest.impostors
    return expected_threshold(impostors, false_alarm_rate) + _RUNNER_UP_SHARE * impostors.runner_up


def _moved_away(classifier: LinearClassifier, rejected: Rejected) -> Vectors:
    """The directions, each less a share of the mean of what was wrongly taken for it (after J. Rocchio, "Relevance
    feedback in information retrieval", 1971): a face like that one then resembles the person less, and the person's own
    faces hardly.
    """
    refuse_unusable(rejected.vectors)
    index = {label: position for position, label in enumerate(classifier.labels)}
    known = [row for row, label in enumerate(rejected.labels) if label in index]
    owners = np.array([index[rejected.labels[row]] for row in known], np.intp)
    sums = np.zeros_like(classifier.weights)
    np.add.at(sums, owners, rejected.vectors[known])
    counts = np.bincount(owners, minlength=len(classifier.labels))
    return unit(classifier.weights - np.float32(_AWAY) * sums / np.maximum(counts, 1).astype(np.float32)[:, None])


def _gallery_evidence(classifier: LinearClassifier, gallery: Gallery) -> Evidence:
    """Each person's photos compared with the others, and with what the gallery would be without that photo."""
    people = len(gallery.labels)
    rows = gallery.sample(max(_FEWEST_ROWS, _SIMILARITIES // people))
    owners, likeness = gallery.owners[rows], gallery.likeness(rows)
    strange, known, nearest = np.zeros(len(rows)), np.zeros(len(rows)), np.zeros(len(rows), np.intp)
    size = max(1, _CHUNK // people)
    for start in range(0, len(rows), size):
        chunk = slice(start, start + size)
        similarities = classifier.similarities(gallery.vectors[rows[chunk]])
        own = np.arange(len(similarities)), owners[chunk]
        similarities[own] = likeness[chunk]
        nearest[chunk], known[chunk] = classifier.stand_out(similarities.copy())
        similarities[own] = -np.inf
        strange[chunk] = classifier.stand_out(similarities)[1]
    several = gallery.counts[owners] > 1
    others = np.full(len(rows), people > 1)
    return Evidence(
        stranger_scores=strange[others],
        stranger_weights=_weights(owners[others]),
        enrolled_scores=known[several],
        enrolled_weights=_weights(owners[several]),
        enrolled_right=(nearest == owners)[several],
    )


def _refuse_too_many(people: int, photos: int) -> None:
    if people * photos > _SVM_COMPARISONS:
        raise GallerySizeError(
            f"{people:,} people with {photos:,} photos are too many for the linear SVM: it takes at most "
            f"{_SVM_COMPARISONS:,} people times photos, for instance 1,000 people with 5 photos each. Set CLASSIFIER "
            "to gallery, which takes 100,000 people, and train again."
        )


def _svm(labels: tuple[str, ...], vectors: Vectors, owners: NDArray[np.intp]) -> LinearClassifier:
    """One against the rest, on vectors less their mean: what all faces have in common hides the differences."""
    # Only here: importing scikit-learn takes a process more than a second and 60 MB, and most never train this one.
    linear_svc = import_module("sklearn.svm").LinearSVC
    centre = vectors.mean(axis=0)
    svm = linear_svc(C=_SVM_PENALTY, dual=True, random_state=0).fit(vectors - centre, owners)
    weights = svm.coef_.astype(np.float32)
    bias = svm.intercept_.astype(np.float32) - weights @ centre
    return replace(_linear("linear-svm", labels, weights, _svm_impostors(len(labels))), bias=bias)


def _svm_impostors(people: int) -> Impostors:
    """Decision values of strangers fall with the number of people enrolled: measured with 10 to 430."""
    return Impostors(runner_up=-1.0, threshold_1pct=0.9 - 0.334 * math.log10(people), per_decade=0.2)


def _svm_evidence(gallery: Gallery) -> Evidence:
    """In each of three trainings a third of the people are left out, and one photo each of a few of the others.

    Only of a few: with fewer photos to learn from, strangers score less.
    """
    owners = gallery.owners
    strange, known = np.zeros(len(owners)), np.zeros(len(owners))
    right, tested = np.zeros((2, len(owners)), np.bool_)
    for fold in range(_SVM_FOLDS):
        strangers = owners % _SVM_FOLDS == fold
        held_out = (owners % (2 * _SVM_FOLDS) == (fold + 1) % _SVM_FOLDS) & (gallery.ranks == 1)
        trained = ~strangers & ~held_out
        present, known_owners = np.unique(owners[trained], return_inverse=True)
        labels = tuple(gallery.labels[index] for index in present)
        classifier = _svm(labels, gallery.vectors[trained], known_owners)
        strange[strangers] = classifier.score(gallery.vectors[strangers])[1]
        nearest, known[held_out] = classifier.score(gallery.vectors[held_out])
        right[held_out] = present[nearest] == owners[held_out]
        tested |= held_out
    return Evidence(strange, _weights(owners), known[tested], _weights(owners[tested]), right[tested])


def _weights(owners: NDArray[np.intp]) -> Floats:
    """Such that the weights of each owner add up to 1."""
    weights: Floats = 1 / np.bincount(owners)[owners] if owners.size else np.zeros(0)
    return weights


def _linear(kind: str, labels: tuple[str, ...], weights: Vectors, impostors: Impostors) -> LinearClassifier:
    return replace(
        empty_classifier(weights.shape[1]),
        kind=kind,
        labels=labels,
        weights=weights,
        bias=np.zeros(len(labels), np.float32),
        runner_up_share=_RUNNER_UP_SHARE,
        runner_up_floor=impostors.runner_up,
    )

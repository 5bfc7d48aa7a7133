"""Training: labelled vectors to a classifier. Apart from the classifiers themselves, so that only training needs
scikit-learn.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from recognition.engine.calibration import threshold
from recognition.engine.classifier import LinearClassifier, empty_classifier
from recognition.engine.embedder import unit
from recognition.engine.faces import Vectors
from recognition.engine.packs import Impostors, Pack

KINDS = ("gallery", "linear-svm")

_TRIMMED_SHARE = 5  # one photo in five may be an outlier
_RUNNER_UP_SHARE = 0.4  # measured with bench.accuracy: 0.3 to 0.5 are alike, 0 is worse
_SVM_PENALTY = 10.0
_SVM_FOLDS = 3
_SVM_FEWEST_PEOPLE = 10
# Decision values of strangers, measured with bench.accuracy.
_SVM_IMPOSTORS = Impostors(runner_up=-1.0, threshold_1pct=0.0, per_decade=0.15)


def fit(
    kind: str,
    vectors: Vectors,
    labels: Sequence[str],
    *,
    false_alarm_rate: float,
    pack: Pack,
    cohort: Vectors | None = None,
) -> LinearClassifier:
    """A classifier of (N, D) vectors of one pack, with a label for each.

    `gallery` compares with each person's mean. `linear-svm` separates each person from the others; it takes minutes
    beyond some 2,000 people, and below ten there is too little to learn "unknown" from, so that it gives a gallery.
    `false_alarm_rate`: wanted share of strangers who are given a name. `cohort`: vectors of strangers, one of each,
    that make the threshold more exact. Raises ValueError for another kind, rate, or numbers of vectors and labels.
    """
    if kind not in KINDS:
        raise ValueError(f"The classifier must be one of {', '.join(KINDS)}, not {kind!r}.")
    if vectors.shape != (len(labels), pack.dimension):
        raise ValueError(f"{len(labels)} labels do not go with vectors of shape {vectors.shape}.")
    if not len(labels):
        return empty_classifier(pack.dimension)
    people = tuple(sorted(set(labels)))
    index = {label: position for position, label in enumerate(people)}
    owners = np.array([index[label] for label in labels])
    if kind == "linear-svm" and len(people) >= _SVM_FEWEST_PEOPLE:
        classifier, impostors = _svm(people, vectors, owners), _SVM_IMPOSTORS
        scores = _held_out_scores(people, vectors, owners)
    else:
        classifier, impostors = _gallery(people, vectors, owners, pack), pack.manifest.impostors
        scores = classifier.score(vectors, without=owners)[1] if len(people) > 1 else np.zeros(0)
    strangers = cohort if cohort is not None else np.zeros((0, pack.dimension), np.float32)
    scores = np.concatenate([scores, classifier.score(strangers)[1]])
    count = len(strangers) + (len(people) if len(people) > 1 else 0)
    return replace(classifier, threshold=threshold(scores, count, false_alarm_rate, impostors))


def _gallery(people: tuple[str, ...], vectors: Vectors, owners: NDArray[np.intp], pack: Pack) -> LinearClassifier:
    groups = np.split(vectors[np.argsort(owners, kind="stable")], np.cumsum(np.bincount(owners))[:-1])
    impostors = pack.manifest.impostors
    return _classifier("gallery", people, np.stack([_trimmed_mean(group) for group in groups]), impostors)


def _trimmed_mean(vectors: Vectors) -> Vectors:
    """Mean direction of one person's vectors without the fifth of them that is farthest from it."""
    mean = unit(vectors.mean(axis=0))
    kept = len(vectors) - len(vectors) // _TRIMMED_SHARE
    nearest = np.sort(np.argsort(-(vectors @ mean), kind="stable")[:kept])
    return unit(vectors[nearest].mean(axis=0))


def _svm(people: tuple[str, ...], vectors: Vectors, owners: NDArray[np.intp]) -> LinearClassifier:
    """One against the rest, on vectors less their mean: what all faces have in common hides the differences."""
    centre = vectors.mean(axis=0)
    svm = LinearSVC(C=_SVM_PENALTY, random_state=0).fit(vectors - centre, owners)
    weights = svm.coef_.astype(np.float32)
    bias = svm.intercept_.astype(np.float32) - weights @ centre
    return replace(_classifier("linear-svm", people, weights, _SVM_IMPOSTORS), bias=bias)


def _held_out_scores(people: tuple[str, ...], vectors: Vectors, owners: NDArray[np.intp]) -> NDArray[np.float64]:
    """What people score who were not trained: those who were, are too well known as somebody else."""
    scores = np.zeros(len(vectors))
    for fold in range(_SVM_FOLDS):
        out = owners % _SVM_FOLDS == fold
        known, known_owners = np.unique(owners[~out], return_inverse=True)
        trained = _svm(tuple(people[index] for index in known), vectors[~out], known_owners)
        scores[out] = trained.score(vectors[out])[1]
    return scores


def _classifier(kind: str, people: tuple[str, ...], weights: Vectors, impostors: Impostors) -> LinearClassifier:
    return LinearClassifier(
        kind=kind,
        labels=people,
        weights=weights,
        bias=np.zeros(len(people), np.float32),
        runner_up_share=_RUNNER_UP_SHARE,
        runner_up_floor=impostors.runner_up,
        threshold=impostors.threshold_1pct,
        width=impostors.per_decade,
    )

"""Finds photos that seem to be enrolled under a wrong label. These are suspicions, for somebody to look at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognition.engine.calibration import Evidence, implausible_score
from recognition.engine.classifier import LinearClassifier
from recognition.engine.embedder import unit
from recognition.engine.faces import Vectors
from recognition.engine.fitting import nearest_mean
from recognition.engine.gallery import Gallery
from recognition.engine.packs import Pack

_VALUES = 4_000_000  # numbers in memory at once: 16 MB
_COMPARISONS = 20_000  # of different people, to learn how alike they are
_UNLIKE = 0.97  # two groups of photos that are less alike than so many of those are of two people
_STRANGER_RATE = 1e-3  # a person whom fewer strangers resemble so well is that person
_ALL_PAIRS = 20_000  # people; with more, only those near each other are compared
_BUCKETS = 6  # nearest landmarks of a person, by which others find them


@dataclass(frozen=True, slots=True)
class OddPhoto:
    """Vector number `index` shows somebody else than the other photos of `label`, or than most of them.

    similarity: cosine between the means of the two groups into which the label's photos fall.
    """

    index: int
    label: str
    similarity: float


@dataclass(frozen=True, slots=True)
class SamePerson:
    """Two labels that look like one person.

    similarity: cosine between their means. indexes: their two vectors that are most alike, one of each label.
    """

    labels: tuple[str, str]
    similarity: float
    indexes: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mixups:
    """Most suspicious first."""

    photos: tuple[OddPhoto, ...]
    people: tuple[SamePerson, ...]


def find(vectors: Vectors, labels: Sequence[str], *, pack: Pack) -> Mixups:
    """Looks at (N, D) vectors of one pack, with a label for each.

    Every label's photos are compared with each other. Up to 20,000 labels are all compared with each other, and more
    only with those that share a neighbourhood, which misses few. Raises ValueError as `fitting.fit` does.
    """
    gallery = Gallery.of(vectors, labels, pack.dimension)
    if not gallery.labels:
        return Mixups((), ())
    classifier = nearest_mean(gallery, pack)
    return Mixups(
        photos=tuple(sorted(_odd_photos(gallery, classifier), key=lambda found: found.similarity)),
        people=tuple(sorted(_same_people(gallery, classifier, pack), key=lambda found: -found.similarity)),
    )


def _odd_photos(gallery: Gallery, classifier: LinearClassifier) -> Iterator[OddPhoto]:
    photo_limit, group_limit = _unlike(gallery, classifier)
    for rows in _blocks(gallery):
        second, similarities = _split(gallery.vectors[rows])
        limits = np.where(second.sum(axis=1) == 1, photo_limit, group_limit)
        for label in np.flatnonzero(similarities < limits):
            for row in rows[label][second[label]]:
                name = gallery.labels[gallery.owners[row]]
                yield OddPhoto(int(gallery.rows[row]), name, float(similarities[label]))


def _unlike(gallery: Gallery, classifier: LinearClassifier) -> tuple[float, float]:
    """Cosines, of a photo with somebody else's mean, and of two people's means, that are rarely surpassed."""
    people = len(gallery.labels)
    if people == 1:
        return classifier.runner_up_floor, classifier.runner_up_floor
    random = np.random.default_rng(0)
    rows = random.integers(len(gallery.owners), size=_COMPARISONS)
    owners = gallery.owners[rows]
    others = classifier.weights[(owners + random.integers(1, people, size=_COMPARISONS)) % people]
    return (
        float(np.quantile(np.einsum("ij,ij->i", gallery.vectors[rows], others), _UNLIKE)),
        float(np.quantile(np.einsum("ij,ij->i", classifier.weights[owners], others), _UNLIKE)),
    )


def _blocks(gallery: Gallery) -> Iterator[NDArray[np.intp]]:
    """Rows (L, K) of labels that have equally many vectors each, at least two."""
    starts = np.flatnonzero(gallery.ranks == 0)
    for count in np.unique(gallery.counts[gallery.counts > 1]).tolist():
        rows = starts[gallery.counts == count][:, None] + np.arange(count)
        size = max(1, _VALUES // (count * max(count, gallery.vectors.shape[1])))
        yield from (rows[start : start + size] for start in range(0, len(rows), size))


def _split(photos: Vectors) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Splits each label's photos (L, K, D) around the two that are least alike: who is in the smaller part (L, K), and
    how alike the means of the parts are (L,).
    """
    labels, count, _ = photos.shape
    alike = photos @ photos.transpose(0, 2, 1)
    first, other = np.divmod(alike.reshape(labels, -1).argmin(axis=1), count)
    each = np.arange(labels)
    second = alike[each, other] > alike[each, first]
    # Photos that are all the same split nowhere; both parts need one.
    second[each, first], second[each, other] = False, True
    second ^= (2 * second.sum(axis=1) > count)[:, None]
    means = [unit((photos * part[..., None]).sum(axis=1)) for part in (second, ~second)]
    return second, np.einsum("ij,ij->i", *means)


def _same_people(gallery: Gallery, classifier: LinearClassifier, pack: Pack) -> Iterator[SamePerson]:
    """Labels whose mean would be named as another label."""
    if len(gallery.labels) == 1:
        return
    nearest, scores = _nearest_labels(classifier)
    none = np.zeros(0)
    evidence = Evidence(scores, np.ones(len(scores)), none, none, none.astype(np.bool_))
    limit = implausible_score(evidence, _STRANGER_RATE, pack.manifest.impostors)
    alike = np.flatnonzero(scores >= limit)
    pairs = np.unique(np.sort(np.column_stack([alike, nearest[alike]]), axis=1), axis=0)
    for first, second in pairs.tolist():
        similarity = float(classifier.weights[first] @ classifier.weights[second])
        rows = [np.flatnonzero(gallery.owners == label) for label in (first, second)]
        each = gallery.vectors[rows[0]] @ gallery.vectors[rows[1]].T
        i, j = np.unravel_index(each.argmax(), each.shape)
        indexes = int(gallery.rows[rows[0][i]]), int(gallery.rows[rows[1][j]])
        yield SamePerson((gallery.labels[first], gallery.labels[second]), similarity, indexes)


def _nearest_labels(classifier: LinearClassifier) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each label the nearest other label, and the score of its mean if it were not enrolled itself."""
    people = len(classifier.labels)
    nearest, scores = np.zeros(people, np.intp), np.zeros(people)
    for asked, compared in _neighbourhoods(classifier.weights):
        size = max(1, _VALUES // len(compared))
        for start in range(0, len(asked), size):
            rows = asked[start : start + size]
            similarities = classifier.weights[rows] @ classifier.weights[compared].T
            similarities[rows[:, None] == compared] = -np.inf
            best, scores[rows] = classifier.stand_out(similarities)
            nearest[rows] = compared[best]
    return nearest, scores


def _neighbourhoods(means: Vectors) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Which labels to compare with which: all, or each with those near the landmark that is nearest to it.

    Landmarks are labels drawn at random, the square root of all.
    """
    people = len(means)
    if people <= _ALL_PAIRS:
        yield np.arange(people), np.arange(people)
        return
    centred = unit(means - means.mean(axis=0))
    landmarks = centred[np.random.default_rng(0).choice(people, int(np.sqrt(people)), replace=False)]
    size = _VALUES // len(landmarks)
    near = np.concatenate([_nearest(centred[start : start + size], landmarks) for start in range(0, people, size)])
    order = np.argsort(near, axis=None, kind="stable")
    ends = np.cumsum(np.bincount(near.ravel(), minlength=len(landmarks)))
    for landmark, part in enumerate(np.split(order, ends[:-1])):
        compared = part // _BUCKETS
        yield compared[near[compared, 0] == landmark], compared


def _nearest(means: Vectors, landmarks: Vectors) -> NDArray[np.intp]:
    """(N, 6) the nearest landmarks of each mean, the very nearest first."""
    distances = -(means @ landmarks.T)
    near = np.argpartition(distances, np.arange(_BUCKETS), axis=1)
    return near[:, :_BUCKETS]

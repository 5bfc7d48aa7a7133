"""Who a vector belongs to, or nobody."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.engine.calibration import Calibration
from recognition.engine.classifier import LinearClassifier, empty_classifier
from recognition.engine.embedder import unit
from recognition.engine.errors import GallerySizeError
from recognition.engine.fitting import KINDS, fit
from recognition.engine.packs import Pack

RATE = 0.01


def faces(people: int, photos: int, *, seed: int = 0, spread: float = 0.24) -> tuple[np.ndarray, list[str]]:
    """Vectors as alike as the default pack's: all share a direction, and photos of a person scatter round theirs."""
    random = np.random.default_rng(seed)
    common = np.eye(1, 128)
    identities = common + 0.42 * unit(random.normal(size=(people, 128)))
    vectors = np.repeat(identities, photos, axis=0)
    vectors = vectors + spread * unit(random.normal(size=vectors.shape))
    return unit(vectors).astype(np.float32), [f"person {index // photos}" for index in range(people * photos)]


@pytest.mark.parametrize("kind", KINDS)
def test_enrolled_people_are_named_and_strangers_are_not(pack: Pack, kind: str) -> None:
    vectors, labels = faces(60, 6)
    enrolled = np.arange(len(labels)) % 6 < 3
    names = [label for label, kept in zip(labels, enrolled, strict=True) if kept]
    classifier = fit(kind, vectors[enrolled], names, false_alarm_rate=RATE, pack=pack)
    assert (classifier.kind, len(classifier.labels)) == (kind, 60)
    identities = classifier.identify(vectors[~enrolled])
    others = [label for label, kept in zip(labels, enrolled, strict=True) if not kept]
    assert np.mean([identity.nearest == label for identity, label in zip(identities, others, strict=True)]) > 0.98
    assert np.mean([identity.label == label for identity, label in zip(identities, others, strict=True)]) > 0.9
    strangers = classifier.identify(faces(500, 1, seed=1)[0])
    assert np.mean([identity.label is not None for identity in strangers]) < 0.05


def test_one_person_with_one_photo_is_named_and_others_are_not(pack: Pack) -> None:
    vectors, _ = faces(1, 5)
    classifier = fit("gallery", vectors[:1], ["someone"], false_alarm_rate=RATE, pack=pack)
    assert [identity.label for identity in classifier.identify(vectors[1:])] == ["someone"] * 4
    strangers = classifier.identify(faces(200, 1, seed=3)[0])
    assert {identity.label for identity in strangers} == {None}
    assert {identity.nearest for identity in strangers} == {"someone"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_gallery_knows_nobody(pack: Pack, kind: str) -> None:
    nobody = np.zeros((0, pack.dimension), np.float32)
    for classifier in (empty_classifier(128), fit(kind, nobody, [], false_alarm_rate=RATE, pack=pack)):
        (identity,) = classifier.identify(faces(1, 1)[0])
        assert (identity.label, identity.nearest, identity.probability) == (None, None, 0.0)
        assert classifier.identify(nobody) == []


def test_few_people_get_a_gallery_instead_of_an_svm(pack: Pack) -> None:
    vectors, labels = faces(2, 3)
    assert fit("linear-svm", vectors, labels, false_alarm_rate=RATE, pack=pack).kind == "gallery"


def test_more_people_than_an_svm_can_take_are_refused_and_a_gallery_takes_them(pack: Pack) -> None:
    vectors, labels = faces(1_600, 2)
    with pytest.raises(GallerySizeError, match=r"1,600 people with 3,200 photos .* Set CLASSIFIER to gallery"):
        fit("linear-svm", vectors, labels, false_alarm_rate=RATE, pack=pack)
    assert len(fit("gallery", vectors, labels, false_alarm_rate=RATE, pack=pack).labels) == 1_600


def test_the_order_of_photos_does_not_matter(pack: Pack) -> None:
    vectors, labels = faces(5, 6)
    order = np.random.default_rng(0).permutation(len(labels))
    one = fit("gallery", vectors, labels, false_alarm_rate=RATE, pack=pack)
    other = fit("gallery", vectors[order], [labels[index] for index in order], false_alarm_rate=RATE, pack=pack)
    assert one.labels == other.labels
    np.testing.assert_allclose(one.weights, other.weights, atol=1e-6)


def test_one_wrong_photo_among_many_hardly_moves_a_person(pack: Pack) -> None:
    vectors, labels = faces(1, 9)
    wrong = np.concatenate([vectors, -vectors[:1]])
    clean = fit("gallery", vectors, labels, false_alarm_rate=RATE, pack=pack)
    spoilt = fit("gallery", wrong, [*labels, labels[0]], false_alarm_rate=RATE, pack=pack)
    assert float(clean.weights[0] @ spoilt.weights[0]) > 0.999


def test_a_face_between_two_people_is_unknown(pack: Pack) -> None:
    vectors, labels = faces(2, 3)
    classifier = fit("gallery", vectors, labels, false_alarm_rate=RATE, pack=pack)
    between = unit(classifier.weights.sum(axis=0))[None]
    assert classifier.identify(between)[0].label is None


def test_a_cohort_of_strangers_who_look_alike_raises_the_threshold(pack: Pack) -> None:
    vectors, labels = faces(3, 3)
    strangers = unit(vectors + 0.3 * unit(np.random.default_rng(5).normal(size=vectors.shape))).astype(np.float32)
    plain = fit("gallery", vectors, labels, false_alarm_rate=0.1, pack=pack)
    strict = fit("gallery", vectors, labels, false_alarm_rate=0.1, pack=pack, cohort=strangers)
    assert strict.threshold > plain.threshold


@pytest.mark.slow
def test_a_gallery_of_ten_thousand_people(pack: Pack) -> None:
    vectors, labels = faces(10_000, 2)
    classifier = fit("gallery", vectors, labels, false_alarm_rate=RATE, pack=pack)
    assert len(classifier.labels) == 10_000
    identities = classifier.identify(vectors[:300])
    assert np.mean([i.nearest == label for i, label in zip(identities, labels[:300], strict=True)]) > 0.98


@given(seed=st.integers(0, 1000), count=st.integers(0, 40))
@settings(max_examples=30, deadline=None)
def test_answers_do_not_depend_on_the_batch_and_hang_together(pack: Pack, seed: int, count: int) -> None:
    vectors, labels = faces(4, 3)
    classifier = fit("gallery", vectors, labels, false_alarm_rate=RATE, pack=pack)
    probes = np.concatenate([faces(count, 1, seed=seed)[0], vectors])
    together = classifier.identify(probes)
    for vector, identity in zip(probes, together, strict=True):
        (alone,) = classifier.identify(vector[None])
        # Sums of a batch may be rounded otherwise, so that of two who are equally near either may be the nearest.
        likeness = dict(zip(classifier.labels, classifier.similarities(vector[None])[0], strict=True))
        assert likeness[alone.nearest] == pytest.approx(likeness[identity.nearest], abs=1e-5)
        assert alone.score == pytest.approx(identity.score, abs=1e-5)
        assert 0 <= identity.probability <= 1
        assert (identity.label is not None) == (identity.score >= classifier.threshold)
        assert identity.label in {None, identity.nearest}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0])
def test_vectors_that_say_nothing_are_unknown_and_harm_no_others(pack: Pack, value: float) -> None:
    vectors, labels = faces(3, 2)
    classifier = fit("gallery", vectors, labels, false_alarm_rate=RATE, pack=pack)
    broken = vectors.copy()
    broken[0] = value
    first, *others = classifier.identify(broken)
    assert (first.label, first.nearest, first.probability, first.score) == (None, None, 0.0, 0.0)
    assert others == classifier.identify(vectors)[1:]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_training_on_vectors_that_say_nothing_is_refused(pack: Pack, kind: str, value: float) -> None:
    vectors, labels = faces(12, 2)
    vectors[5] = value
    with pytest.raises(ValueError, match="the first is number 5: embed their photos again"):
        fit(kind, vectors, labels, false_alarm_rate=RATE, pack=pack)


def test_a_cohort_of_vectors_that_say_nothing_is_refused(pack: Pack) -> None:
    vectors, labels = faces(3, 2)
    with pytest.raises(ValueError, match="1 vectors are zero"):
        fit("gallery", vectors, labels, false_alarm_rate=RATE, pack=pack, cohort=np.full((1, 128), np.nan, np.float32))


def test_a_cohort_of_one_person_gives_a_usable_threshold(pack: Pack) -> None:
    vectors, labels = faces(3, 2)
    cohort = np.repeat(faces(1, 1, seed=1)[0], 500, axis=0)
    classifier = fit("gallery", vectors, labels, false_alarm_rate=RATE, pack=pack, cohort=cohort)
    assert classifier.identify(vectors)[0].label == labels[0]


@pytest.mark.parametrize("kind", KINDS)
def test_people_with_the_same_photo_are_told_from_nobody(pack: Pack, kind: str) -> None:
    vectors = np.repeat(faces(1, 1)[0], 24, axis=0)
    labels = [f"person {index // 2}" for index in range(24)]
    classifier = fit(kind, vectors, labels, false_alarm_rate=RATE, pack=pack)
    assert np.isfinite([classifier.threshold, classifier.calibration.steepness]).all()
    if kind == "gallery":
        assert classifier.identify(vectors[:1])[0].label is None


def test_one_photo_each_gives_no_expected_miss_rate(pack: Pack) -> None:
    vectors, labels = faces(30, 1)
    assert fit("gallery", vectors, labels, false_alarm_rate=RATE, pack=pack).expected_miss_rate is None


@pytest.mark.parametrize(("kind", "spread"), [("gallery", 0.42), ("linear-svm", 0.55)])
def test_the_expected_miss_rate_is_about_what_happens(pack: Pack, kind: str, spread: float) -> None:
    vectors, labels = faces(120, 8, spread=spread)
    enrolled = np.arange(len(labels)) % 8 < 4
    names = [label for label, kept in zip(labels, enrolled, strict=True) if kept]
    classifier = fit(kind, vectors[enrolled], names, false_alarm_rate=RATE, pack=pack)
    others = [label for label, kept in zip(labels, enrolled, strict=True) if not kept]
    answers = classifier.identify(vectors[~enrolled])
    missed = np.mean([answer.label != label for answer, label in zip(answers, others, strict=True)])
    assert 0.02 < missed < 0.6
    assert classifier.expected_miss_rate == pytest.approx(missed, abs=0.2)


def test_one_lucky_crop_among_many_unknown_ones_names_nobody(pack: Pack) -> None:
    vectors, labels = faces(20, 3)
    classifier = fit("gallery", vectors, labels, false_alarm_rate=RATE, pack=pack)
    stranger = faces(1, 9, seed=4)[0]
    assert classifier.identify(vectors[:1])[0].label == labels[0]
    track = unit(vectors[0] + stranger.sum(axis=0))[None]
    assert classifier.identify(track, np.array([10]))[0].label is None


def test_many_poor_crops_of_one_person_name_them(pack: Pack) -> None:
    vectors, labels = faces(20, 3)
    classifier = fit("gallery", vectors, labels, false_alarm_rate=RATE, pack=pack)
    random = np.random.default_rng(1)
    crops = unit(vectors[0] + 0.7 * unit(random.normal(size=(20, 128)))).astype(np.float32)
    assert [answer.label for answer in classifier.identify(crops)].count(None) > 10
    assert classifier.identify(unit(crops.sum(axis=0))[None], np.array([20]))[0].label == labels[0]


def test_counts_set_the_threshold_of_each_track(pack: Pack) -> None:
    vectors, labels = faces(20, 3)
    classifier = fit("gallery", vectors, labels, false_alarm_rate=RATE, pack=pack)
    alone, long = classifier.identify(vectors[[0, 0]], np.array([1, 50]))
    assert alone.probability == pytest.approx(classifier.identify(vectors[:1])[0].probability)
    assert (long.score, long.nearest) == (alone.score, alone.nearest)
    assert long.probability <= alone.probability


@pytest.mark.parametrize(
    ("kind", "shape", "rate"),
    [("forest", (2, 128), RATE), ("gallery", (3, 128), RATE), ("gallery", (2, 64), RATE), ("gallery", (2, 128), 0.0)],
)
def test_unusable_arguments_are_refused(pack: Pack, kind: str, shape: tuple[int, int], rate: float) -> None:
    with pytest.raises(ValueError, match=r"classifier|labels|rate"):
        fit(kind, np.ones(shape, np.float32), ["a", "b"], false_alarm_rate=rate, pack=pack)


def test_the_runner_up_is_never_below_its_floor() -> None:
    def score(similarities: list[float]) -> float:
        classifier = LinearClassifier(
            kind="gallery",
            labels=tuple("abc"[: len(similarities)]),
            weights=np.array(similarities, np.float32)[:, None],
            bias=np.zeros(len(similarities), np.float32),
            runner_up_share=0.5,
            runner_up_floor=0.2,
            calibration=Calibration(threshold=0.0, width=1.0, even=0.0, steepness=1.0),
        )
        return classifier.identify(np.ones((1, 1), np.float32))[0].score

    assert [score(each) for each in ([0.8], [0.8, 0.1], [-1, 0.8, 0.2])] == pytest.approx([0.7] * 3)
    assert score([0.8, 0.6]) == pytest.approx(0.5)

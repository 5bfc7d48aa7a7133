"""Photos under a wrong label, and people under two, are found; others are left alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.engine import mixups
from recognition.engine.embedder import unit
from recognition.engine.mixups import Mixups, find
from recognition.engine.packs import Pack
from tests.engine.test_classifier import faces


def test_people_who_are_enrolled_rightly_raise_no_suspicion(pack: Pack) -> None:
    vectors, labels = faces(60, 4)
    assert find(vectors, labels, pack=pack) == Mixups((), ())


def test_a_photo_of_somebody_else_is_found(pack: Pack) -> None:
    vectors, labels = faces(40, 4)
    vectors[9] = faces(1, 1, seed=5)[0]
    (odd,) = find(vectors, labels, pack=pack).photos
    assert (odd.index, odd.label) == (9, labels[9])
    assert odd.similarity < 0.93


def test_of_two_people_under_one_label_the_one_with_fewer_photos_is_named(pack: Pack) -> None:
    vectors, labels = faces(40, 5)
    merged = [label.replace("person 7", "person 8") for label in labels]
    merged = [label for index, label in enumerate(merged) if index not in {35, 36}]
    kept = np.delete(vectors, [35, 36], axis=0)
    found = find(kept, merged, pack=pack)
    assert {odd.index for odd in found.photos} == {35, 36, 37}
    assert {odd.label for odd in found.photos} == {"person 8"}


def test_one_person_under_two_labels_is_found_with_the_photos_that_are_most_alike(pack: Pack) -> None:
    vectors, labels = faces(40, 6)
    labels[3:6] = ["somebody else"] * 3
    found = find(vectors, labels, pack=pack)
    (same,) = found.people
    assert set(same.labels) == {"person 0", "somebody else"}
    of_first, of_second = (same.indexes[same.labels.index(label)] for label in ("person 0", "somebody else"))
    similarities = vectors[:3] @ vectors[3:6].T
    assert (of_first, of_second - 3) == tuple(np.unravel_index(similarities.argmax(), (3, 3)))
    assert same.similarity > similarities.max() - 0.01
    assert found.photos == ()


def test_the_most_suspicious_comes_first(pack: Pack) -> None:
    vectors, labels = faces(40, 4)
    vectors[5] = unit(vectors[5] + 1.1 * unit(np.random.default_rng(0).normal(size=128)))
    vectors[9] = -vectors[9]
    similarities = [odd.similarity for odd in find(vectors, labels, pack=pack).photos]
    assert len(similarities) == 2
    assert similarities == sorted(similarities)


def test_order_does_not_matter(pack: Pack) -> None:
    vectors, labels = faces(40, 4)
    vectors[9] = faces(1, 1, seed=5)[0]
    order = np.random.default_rng(0).permutation(len(labels))
    found = find(vectors[order], [labels[index] for index in order], pack=pack)
    assert [order[odd.index] for odd in found.photos] == [9]


def test_many_people_are_compared_by_neighbourhood(pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, labels = faces(400, 8)
    labels[4:8], labels[804:808] = ["a"] * 4, ["b"] * 4
    everyone = find(vectors, labels, pack=pack)
    monkeypatch.setattr(mixups, "_ALL_PAIRS", 100)
    neighbours = find(vectors, labels, pack=pack)
    assert {same.labels for same in neighbours.people} == {same.labels for same in everyone.people}
    assert {"a", "b"} <= {label for same in neighbours.people for label in same.labels}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_photos_are_no_error(pack: Pack, count: int) -> None:
    vectors, labels = faces(1, 2)
    assert find(vectors[:count], labels[:count], pack=pack) == Mixups((), ())


def test_one_person_with_two_unlike_photos_is_found(pack: Pack) -> None:
    vectors, _ = faces(2, 1, seed=3)
    odd = find(vectors, ["one", "one"], pack=pack).photos
    assert [found.label for found in odd] == ["one"]


@given(photos=st.integers(1, 4), people=st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_identical_photos_are_not_odd(pack: Pack, photos: int, people: int) -> None:
    vectors = np.repeat(faces(people, 1)[0], photos, axis=0)
    labels = [f"{index // photos}" for index in range(len(vectors))]
    assert find(vectors, labels, pack=pack).photos == ()


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_vectors_that_say_nothing_are_refused(pack: Pack, value: float) -> None:
    vectors, labels = faces(3, 2)
    vectors[1] = value
    with pytest.raises(ValueError, match="embed their photos again"):
        find(vectors, labels, pack=pack)

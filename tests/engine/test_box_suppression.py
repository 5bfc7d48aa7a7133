"""Non-maximum suppression."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.boxes import adjust, covered, square, suppress, suppress_nested


def overlap(one: np.ndarray, other: np.ndarray, *, of_smaller: bool) -> float:
    extra = 1 if of_smaller else 0
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]) + extra
    shared = np.prod(np.maximum(sides, 0))
    areas = [np.prod(box[2:] - box[:2] + extra) for box in (one, other)]
    return float(shared / (min(areas) if of_smaller else sum(areas) - shared))


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 60), of_smaller=st.booleans())
@settings(max_examples=60, deadline=None)
def test_kept_boxes_are_apart_and_dropped_ones_overlap_a_better_one(seed: int, count: int, of_smaller: bool) -> None:
    random = np.random.default_rng(seed)
    low = random.integers(0, 50, (count, 2))
    boxes = np.hstack([low, low + random.integers(1, 40, (count, 2))]).astype(np.float32)
    scores = 1 - random.random(count, np.float32)
    kept = (suppress_nested if of_smaller else suppress)(boxes, scores, 0.5)
    assert list(scores[kept]) == sorted(scores[kept], reverse=True)
    for position, index in enumerate(kept):
        assert all(overlap(boxes[index], boxes[other], of_smaller=of_smaller) <= 0.5 for other in kept[:position])
    for index in set(range(count)) - set(kept.tolist()):
        better = [other for other in kept if scores[other] >= scores[index]]
        assert any(overlap(boxes[index], boxes[other], of_smaller=of_smaller) > 0.5 for other in better)


def test_five_thousand_boxes_take_little_time_and_memory() -> None:
    corners = np.arange(2500, dtype=np.float32)[:, None] * 100
    apart = np.hstack([corners, corners, corners + 10, corners + 10])
    boxes = np.vstack([apart, apart])  # every box twice
    scores = np.linspace(1, 0.1, 5000, dtype=np.float32)
    assert sorted(suppress(boxes, scores, 0.7)) == list(range(2500))


@pytest.mark.parametrize("method", [suppress, suppress_nested])
def test_no_boxes_and_boxes_without_area_do_no_harm(method: Callable[..., np.ndarray]) -> None:
    assert len(method(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.5)) == 0
    assert list(method(np.zeros((3, 4), np.float32), np.ones(3, np.float32), 0.5)) == [0]


def test_a_box_inside_another_is_wholly_covered() -> None:
    boxes = np.array([[0, 0, 99, 99], [10, 10, 19, 19], [90, 0, 189, 99], [200, 200, 210, 210]], np.float32)
    np.testing.assert_allclose(covered(boxes, boxes[:1])[:, 0], [1, 1, 0.1, 0])


def test_edges_move_by_shares_of_the_side() -> None:
    box = np.array([[10, 20, 30, 60]], np.float32)
    offsets = np.array([[0.1, -0.1, 0.5, 0]], np.float32)
    np.testing.assert_allclose(adjust(box, offsets), [[12, 16, 40, 60]])


def test_squares_keep_the_centre_and_the_longer_side() -> None:
    assert square(np.array([[10, 20, 30, 60]], np.float32)).tolist() == [[0, 20, 40, 60]]

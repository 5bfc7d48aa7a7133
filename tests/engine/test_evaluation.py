"""Identification rates count what they say, and their errors grow with how alike one person's photos are."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.engine.evaluation import Probes, estimate, identification, rank1, threshold_at


def probes(scores: list[float], stranger_scores: list[float], right: list[bool] | None = None) -> Probes:
    """Each photo of another person, all recognised as the right one unless said otherwise."""
    return Probes(
        person=np.arange(len(scores)),
        right=np.array(right if right is not None else [True] * len(scores)),
        scores=np.array(scores),
        stranger=np.arange(len(stranger_scores)),
        stranger_scores=np.array(stranger_scores),
    )


def test_the_threshold_lets_as_many_strangers_pass_as_the_rate_allows() -> None:
    asked = probes([0.55, 0.85, 0.95], [0.1 * n for n in range(10)])
    for rate, threshold, named in ((0.0, 0.9, 1 / 3), (0.1, 0.8, 2 / 3), (0.35, 0.6, 2 / 3), (0.5, 0.4, 1.0)):
        assert threshold_at(asked, rate) == pytest.approx(threshold)
        assert identification(asked, rate) == pytest.approx(named)


def test_a_high_score_for_somebody_else_is_no_identification() -> None:
    asked = probes([0.9, 0.9], [0.1], right=[True, False])
    assert (rank1(asked), identification(asked, 0.01)) == (0.5, 0.5)


@given(
    st.lists(st.floats(-1, 1), min_size=1, max_size=50),
    st.lists(st.floats(-1, 1), min_size=1, max_size=50),
    st.floats(0, 0.99),
)
def test_never_more_strangers_pass_than_allowed(scores: list[float], strangers: list[float], rate: float) -> None:
    asked = probes(scores, strangers)
    assert np.mean(asked.stranger_scores > threshold_at(asked, rate)) <= rate
    assert 0 <= identification(asked, rate) <= rank1(asked) == 1


def test_photos_of_one_person_are_not_counted_as_independent() -> None:
    """Twenty people, each either always or never recognised, in ten photos or in one."""
    of_one = np.tile([True, False], 10)
    spread = partial(identification, false_alarm_rate=0.0)
    one = probes(np.where(of_one, 1.0, 0.0).tolist(), [0.5])
    ten = Probes(np.repeat(one.person, 10), np.repeat(one.right, 10), np.repeat(one.scores, 10), *strangers(one))
    assert estimate(spread, one).rate == estimate(spread, ten).rate == 0.5
    assert estimate(spread, ten).error == pytest.approx(estimate(spread, one).error, rel=0.05)
    assert estimate(spread, one).error == pytest.approx(0.5 / 20**0.5, rel=0.2)


def strangers(of: Probes) -> tuple[np.ndarray, np.ndarray]:
    return of.stranger, of.stranger_scores

"""Thresholds and probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.engine.calibration import expected_threshold, probability, threshold
from recognition.engine.packs import Impostors

IMPOSTORS = Impostors(runner_up=0.85, threshold_1pct=0.6, per_decade=0.02)
RATES = st.floats(1e-6, 0.5)


def test_the_packs_figures_count_per_decade() -> None:
    assert [expected_threshold(IMPOSTORS, rate) for rate in (0.1, 0.01, 0.001)] == pytest.approx([0.58, 0.6, 0.62])


@given(rate=RATES)
def test_without_impostors_the_packs_figures_decide(rate: float) -> None:
    assert threshold(np.zeros(0), 0, rate, IMPOSTORS) == expected_threshold(IMPOSTORS, rate)


@given(scores=st.lists(st.floats(-1, 1), min_size=1), people=st.integers(1, 10_000), rate=RATES)
def test_the_threshold_lies_between_what_is_seen_and_what_is_expected(
    scores: list[float], people: int, rate: float
) -> None:
    seen = float(np.quantile(scores, 1 - rate))
    low, high = sorted((seen, expected_threshold(IMPOSTORS, rate)))
    assert low - 1e-9 <= threshold(np.array(scores), people, rate, IMPOSTORS) <= high + 1e-9


@given(scores=st.lists(st.floats(0.5, 0.7), min_size=1), people=st.integers(1, 1000))
def test_a_lower_rate_never_gives_a_lower_expected_or_seen_threshold(scores: list[float], people: int) -> None:
    values = np.array(scores)
    assert np.quantile(values, 1 - 0.001) >= np.quantile(values, 1 - 0.1)
    assert expected_threshold(IMPOSTORS, 0.001) > expected_threshold(IMPOSTORS, 0.1)
    many = threshold(values, 10**9, 0.01, IMPOSTORS)
    assert (
        abs(many - np.quantile(values, 0.99))
        <= abs(threshold(values, people, 0.01, IMPOSTORS) - np.quantile(values, 0.99)) + 1e-9
    )


def test_with_many_impostors_the_wanted_share_passes() -> None:
    scores = np.random.default_rng(0).normal(0.5, 0.03, 20_000)
    assert np.mean(scores >= threshold(scores, 20_000, 0.01, IMPOSTORS)) == pytest.approx(0.01, abs=0.003)


@pytest.mark.parametrize("rate", [0.0, -0.1, 0.51, 1.0, float("nan"), 1e-7])
def test_rates_outside_the_range_are_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="false-alarm rate"):
        threshold(np.zeros(0), 0, rate, IMPOSTORS)


@given(scores=st.lists(st.floats(-1e6, 1e6), min_size=2), at=st.floats(-1, 1), width=st.floats(1e-3, 1))
def test_probability_rises_with_the_score_and_is_even_at_the_threshold(
    scores: list[float], at: float, width: float
) -> None:
    values = probability(np.sort(scores), at, width)
    assert ((values >= 0) & (values <= 1)).all()
    assert (np.diff(values) >= 0).all()
    assert probability(np.array([at]), at, width)[0] == 0.5


def test_odds_grow_tenfold_with_each_width() -> None:
    likely = probability(np.array([0.62, 0.64]), 0.6, 0.02)
    assert (likely / (1 - likely)).tolist() == pytest.approx([10, 100])

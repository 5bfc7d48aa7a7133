"""Thresholds and probabilities mean what they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.engine.calibration import Calibration, Evidence, calibrate, expected_threshold, implausible_score
from recognition.engine.packs import Impostors

IMPOSTORS = Impostors(runner_up=0.85, threshold_1pct=0.6, per_decade=0.02)
RATES = st.floats(1e-6, 0.5)
SCORES = st.lists(st.floats(-2, 2), max_size=60).map(np.array)
ONE = np.ones(1, np.intp)


def evidence(
    scores: np.ndarray, enrolled: np.ndarray | None = None, *, right: np.ndarray | None = None, cohort: int = 0
) -> Evidence:
    """Everyone has one photo."""
    enrolled = np.zeros(0) if enrolled is None else enrolled
    right = np.ones(len(enrolled), bool) if right is None else right
    return Evidence(scores, np.ones(len(scores)), enrolled, np.ones(len(enrolled)), right, cohort)


def strangers(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.4, 0.05, count)


def test_the_packs_figures_count_per_decade() -> None:
    assert [expected_threshold(IMPOSTORS, rate) for rate in (0.1, 0.01, 0.001)] == pytest.approx([0.58, 0.6, 0.62])


@given(rate=st.floats(1e-6, 0.1))
def test_without_strangers_the_packs_figures_decide(rate: float) -> None:
    found = calibrate(evidence(np.zeros(0)), rate, IMPOSTORS)
    assert found.threshold == pytest.approx(expected_threshold(IMPOSTORS, rate), abs=IMPOSTORS.per_decade / 4)
    assert found.expected_miss_rate is None


@given(scores=SCORES, rates=st.tuples(RATES, RATES), cohort=st.integers(0, 200))
def test_a_lower_rate_never_gives_a_lower_threshold(
    scores: np.ndarray, rates: tuple[float, float], cohort: int
) -> None:
    seen = evidence(scores, cohort=min(cohort, len(scores)))
    low, high = (calibrate(seen, rate, IMPOSTORS).threshold for rate in sorted(rates))
    assert low >= high - 1e-9


@pytest.mark.parametrize("rate", [0.1, 0.01, 0.003])
def test_the_wanted_share_of_further_strangers_passes(rate: float) -> None:
    threshold = calibrate(evidence(strangers(10_000), cohort=10_000), rate, IMPOSTORS).threshold
    assert np.mean(strangers(1_000_000, seed=1) >= threshold) == pytest.approx(rate, rel=0.3)


def test_rates_rarer_than_the_strangers_seen_are_extrapolated_carefully() -> None:
    threshold = calibrate(evidence(strangers(500), cohort=500), 1e-4, IMPOSTORS).threshold
    assert threshold > strangers(500).max()
    assert np.mean(strangers(3_000_000, seed=1) >= threshold) < 1e-4


def test_many_enrolled_people_outweigh_wrong_figures_of_the_pack() -> None:
    right = 0.4 + 0.05 * 2.326
    assert calibrate(evidence(strangers(30_000)), 0.01, IMPOSTORS).threshold == pytest.approx(right, abs=0.01)
    assert calibrate(evidence(strangers(20)), 0.01, IMPOSTORS).threshold > right + 0.05


def test_a_cohort_takes_the_place_of_the_packs_figures() -> None:
    with_cohort = calibrate(evidence(strangers(300), cohort=300), 0.01, IMPOSTORS).threshold
    assert with_cohort == pytest.approx(0.4 + 0.05 * 2.326, abs=0.02)
    assert calibrate(evidence(strangers(300)), 0.01, IMPOSTORS).threshold > with_cohort + 0.03


def test_a_person_with_many_photos_counts_once() -> None:
    scores, none = strangers(300), np.zeros(0)
    repeats = np.where(np.arange(300) < 10, 50, 1)
    often = Evidence(
        np.repeat(scores, repeats), np.repeat(1 / repeats, repeats), none, none, none.astype(bool), cohort=0
    )
    expected = calibrate(evidence(scores), 0.01, IMPOSTORS)
    assert calibrate(often, 0.01, IMPOSTORS).threshold == pytest.approx(expected.threshold, abs=1e-6)


def test_people_enrolled_twice_do_not_move_the_threshold() -> None:
    once = evidence(strangers(1000))
    twice = evidence(np.concatenate([once.stranger_scores, np.full(30, 0.9)]))
    thresholds = [calibrate(each, 0.001, IMPOSTORS).threshold for each in (once, twice)]
    assert thresholds[1] == pytest.approx(thresholds[0], abs=0.01)
    assert thresholds[0] - 0.1 < implausible_score(twice, 1e-3, IMPOSTORS) < 0.8


@pytest.mark.parametrize("rate", [0.0, -0.1, 0.51, 1.0, float("nan"), 1e-7])
def test_rates_outside_the_range_are_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="false-alarm rate"):
        calibrate(evidence(np.zeros(0)), rate, IMPOSTORS)


def test_the_expected_miss_rate_counts_those_below_the_threshold_and_wrong_names() -> None:
    enrolled, right = np.array([0.9, 0.9, 0.1, 0.9]), np.array([True, False, True, True])
    assert calibrate(evidence(strangers(50), enrolled, right=right), 0.01, IMPOSTORS).expected_miss_rate == 0.5


def test_probabilities_are_the_shares_that_are_right() -> None:
    others, enrolled = strangers(4000), 0.15 + strangers(4000, seed=1)
    found = calibrate(evidence(others[:2000], enrolled[:2000]), 0.01, IMPOSTORS)
    new = np.concatenate([others[2000:], enrolled[2000:]])
    right = np.arange(4000) >= 2000
    likely = found.probabilities(new, np.ones(4000, np.intp))
    for low, high in ((0, 0.1), (0.1, 0.4), (0.4, 0.6), (0.6, 0.9), (0.9, 1)):
        chosen = (likely >= low) & (likely <= high)
        assert right[chosen].mean() == pytest.approx(likely[chosen].mean(), abs=0.1)


@given(others=SCORES, enrolled=SCORES, rate=RATES)
def test_any_evidence_gives_usable_figures(others: np.ndarray, enrolled: np.ndarray, rate: float) -> None:
    found = calibrate(evidence(others, enrolled), rate, IMPOSTORS)
    assert np.isfinite([found.threshold, found.width, found.even, found.steepness]).all()
    assert found.width > 0
    assert found.steepness > 0


@given(scores=st.lists(st.floats(-1e6, 1e6), min_size=2), even=st.floats(-1, 1), steepness=st.floats(1e-3, 1))
def test_probability_rises_with_the_score(scores: list[float], even: float, steepness: float) -> None:
    calibration = Calibration(threshold=0.0, width=0.1, even=even, steepness=steepness)
    values = calibration.probabilities(np.sort(scores), np.ones(len(scores), np.intp))
    assert ((values >= 0) & (values <= 1)).all()
    assert (np.diff(values) >= 0).all()
    assert calibration.probabilities(np.array([even]), ONE)[0] == 0.5
    odds = calibration.probabilities(np.array([even + steepness]), ONE)[0]
    assert odds / (1 - odds) == pytest.approx(10)


@given(counts=st.lists(st.integers(1, 10_000), min_size=2).map(sorted))
def test_tracks_of_more_crops_need_a_little_more(counts: list[int]) -> None:
    calibration = Calibration(threshold=0.6, width=0.02, even=0.6, steepness=0.02)
    thresholds = calibration.thresholds(np.array(counts))
    assert calibration.thresholds(ONE)[0] == 0.6
    assert (np.diff(thresholds) >= 0).all()
    assert thresholds.max() < 0.6 + calibration.width / 2

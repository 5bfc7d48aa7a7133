"""The calibration benchmark measures on people whom the calibration has not seen, and counts rightly."""

import numpy as np
import pytest

from bench.calibration import RATES, Bench, Outcome, curve, realised
from bench.corpus import Embedded
from recognition.engine.packs import Pack
from tests.engine.test_classifier import faces


def outcome(strangers: list[int], alarms: list[float], **fields: np.ndarray) -> Outcome:
    answers = {"probabilities": np.zeros(0), "right": np.zeros(0, bool), "weights": np.zeros(0)} | fields
    return Outcome(np.array(strangers), {RATES[0]: np.array(alarms)}, missed=0.0, expected=0.0, **answers)


def made_up(people: int, photos: int, seed: int) -> Embedded:
    vectors, _ = faces(people, photos, seed=seed)
    return Embedded(vectors, np.repeat(np.arange(people), photos), np.tile(np.arange(photos), people))


def test_the_realised_rate_is_the_share_of_strangers_named() -> None:
    found = realised([outcome([0, 1, 2, 3], [1, 0, 0, 0]), outcome([4, 5, 6, 7], [0, 0, 0, 0.5])], RATES[0])
    assert found.rate == pytest.approx(1.5 / 8)
    assert found.error > 0


def test_somebody_named_again_and_again_makes_the_rate_less_certain() -> None:
    same = realised([outcome([0, 1, 2, 3], [1, 0, 0, 0])] * 10, RATES[0])
    turns = realised([outcome([0, 1, 2, 3], np.eye(4)[index % 4].tolist()) for index in range(10)], RATES[0])
    assert same.rate == turns.rate == 0.25
    assert same.error > 3 * turns.error


def test_the_curve_compares_what_was_said_with_what_was_right() -> None:
    answers = outcome(
        [0],
        [0],
        probabilities=np.array([0.6, 0.6, 1.0, 0.0]),
        right=np.array([True, False, True, False]),
        weights=np.full(4, 0.25),
    )
    assert curve([answers]) == [
        pytest.approx((0.0, 0.0, 0.25)),
        pytest.approx((0.6, 0.5, 0.5)),
        pytest.approx((1.0, 1.0, 0.25)),
    ]


def test_made_up_people_are_called_as_seldom_as_asked(pack: Pack) -> None:
    bench = Bench(pack, "gallery", made_up(120, 5, seed=1), made_up(400, 1, seed=2), with_cohort=True)
    outcomes = bench.outcomes(30, splits=5)
    assert realised(outcomes, RATES[0]).rate == pytest.approx(RATES[0], abs=RATES[0])
    assert all(0 <= one.missed < 0.5 for one in outcomes)
    assert all(one.weights.sum() == pytest.approx(1) for one in outcomes)

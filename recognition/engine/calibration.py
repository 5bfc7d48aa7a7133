"""From a wanted false-alarm rate to a threshold, and from a score to a probability."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from recognition.engine.packs import Impostors

LOWEST_RATE, HIGHEST_RATE = 1e-6, 0.5

_TAIL = 0.1  # share of strangers whose scores show how fast high scores become rare
_BULK = 0.8  # share of strangers among whom nobody is enrolled twice
_IMPLAUSIBLE = 1e-7  # a stranger in the gallery who seems rarer than this is somebody enrolled twice
_IN_TAIL = 20  # strangers that suffice for it; with more, less of the middle is looked at
_PACKS_STRANGERS = 100  # the pack's figures count as much as so many strangers
_PACKS_PEOPLE = 1.0  # and, for probabilities, as so many people
_STEPS, _SETTLED = 50, 1e-6  # of Newton's method
_LEAST_RISE = 0.05  # so that a higher score never makes a name less likely
_TRACK_DECADES = 0.3  # measured with bench.tracks: strangers score so much higher with many crops than with one

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What was scored in a gallery. The weights of one person's scores add up to 1, however many photos there are.

    stranger_*: (S,) of people compared with everybody but themselves. enrolled_*: (E,) of enrolled people's photos that
    were held out; enrolled_right: whether the nearest label was theirs. cohort: how many of the strangers are nobody
    enrolled: each takes the place of one whom the pack's figures stand for.
    """

    stranger_scores: Floats
    stranger_weights: Floats
    enrolled_scores: Floats
    enrolled_weights: Floats
    enrolled_right: NDArray[np.bool_]
    cohort: int = 0


@dataclass(frozen=True, slots=True)
class Calibration:
    """What scores mean.

    threshold: the score from which a single crop is named. width: the rise in score that makes a stranger ten times
    rarer. even: the score at which a name is as often right as wrong, and steepness the rise that makes the odds ten
    times better, where half of all faces are strangers'. expected_miss_rate: share of the enrolled people's crops that
    are not named, or wrongly; None where nobody has two photos to tell from.
    """

    threshold: float
    width: float
    even: float
    steepness: float
    expected_miss_rate: float | None = None

    def thresholds(self, counts: NDArray[np.intp]) -> Floats:
        """The score from which a track of so many crops is named."""
        return self.threshold + self._shift(counts)

    def probabilities(self, scores: Floats, counts: NDArray[np.intp]) -> Floats:
        """The chance that the nearest label is right, where half of all faces (or tracks) are strangers'."""
        # tanh instead of exp: no overflow far from the middle.
        return 0.5 + 0.5 * np.tanh((scores - self._shift(counts) - self.even) * (math.log(10) / 2 / self.steepness))

    def _shift(self, counts: NDArray[np.intp]) -> Floats:
        """The noise of a single crop hides likeness, also that of a stranger with somebody enrolled."""
        return _TRACK_DECADES * self.width * (1 - 1 / np.maximum(counts, 1))


@dataclass(frozen=True, slots=True)
class TradeOff:
    """What a false-alarm rate would mean.

    threshold: the score from which a single crop is named; certainty: the probability from which a crop or a track is.
    expected_miss_rate: as of a Calibration.
    """

    false_alarm_rate: float
    threshold: float
    certainty: float
    expected_miss_rate: float | None


def trade_off(evidence: Evidence, false_alarm_rate: float, impostors: Impostors) -> TradeOff:
    """Raises ValueError for a false-alarm rate outside 0.000001-0.5."""
    found = calibrate(evidence, false_alarm_rate, impostors)
    # On a track score and threshold shift alike, so that the probability at the threshold is one and the same.
    (certainty,) = found.probabilities(np.array([found.threshold]), np.ones(1, np.intp))
    return TradeOff(false_alarm_rate, found.threshold, float(certainty), found.expected_miss_rate)


def calibrate(evidence: Evidence, false_alarm_rate: float, impostors: Impostors) -> Calibration:
    """Raises ValueError for a false-alarm rate outside 0.000001-0.5."""
    if not LOWEST_RATE <= false_alarm_rate <= HIGHEST_RATE:
        raise ValueError(f"The false-alarm rate must lie between {LOWEST_RATE:f} and {HIGHEST_RATE}.")
    threshold, width = _threshold(evidence, false_alarm_rate, impostors)
    even, steepness = _odds(evidence, impostors)
    missed = (evidence.enrolled_scores < threshold) | ~evidence.enrolled_right
    known = evidence.enrolled_weights.sum() > 0
    miss_rate = float(np.average(missed, weights=evidence.enrolled_weights)) if known else None
    return Calibration(threshold, width, even, steepness, miss_rate)


def expected_threshold(impostors: Impostors, false_alarm_rate: float) -> float:
    """The score that this share of strangers reaches, going by the pack's figures alone."""
    return impostors.threshold_1pct + impostors.per_decade * math.log10(0.01 / false_alarm_rate)


def _threshold(evidence: Evidence, false_alarm_rate: float, impostors: Impostors) -> tuple[float, float]:
    """The threshold, and the rise in score that makes a stranger ten times rarer.

    High scores thin out exponentially (peaks over threshold, with shape 0): where the wanted rate is rarer than the
    strangers seen can show, it is extrapolated from the tail that they do show.
    """
    scores, weights = _with_expected(evidence, impostors)
    plausible = scores <= implausible_score(evidence, _IMPLAUSIBLE, impostors)
    scores, weights = scores[plausible], weights[plausible]
    tail = max(false_alarm_rate, min(_TAIL, _IN_TAIL / weights.sum()))
    start = _quantile(scores, 1 - tail, weights)
    above = scores > start
    width = impostors.per_decade
    if above.any():
        width = math.log(10) * float(np.average(scores[above] - start, weights=weights[above]))
    return start + width * math.log10(tail / false_alarm_rate), width


def implausible_score(evidence: Evidence, rate: float, impostors: Impostors) -> float:
    """The score that fewer strangers than `rate` reach, as if scores were normally distributed.

    Told from the bulk of them alone, so that a few who are none do no harm.
    """
    scores, weights = _with_expected(evidence, impostors)
    middle, upper = (_quantile(scores, share, weights) for share in (0.5, _BULK))
    normal = NormalDist()
    return middle + (upper - middle) * normal.inv_cdf(1 - rate) / normal.inv_cdf(_BULK)


def _with_expected(evidence: Evidence, impostors: Impostors) -> tuple[Floats, Floats]:
    """Scores and weights of strangers, with those whom the pack's figures stand for."""
    count = max(0, _PACKS_STRANGERS - evidence.cohort)
    expected = [expected_threshold(impostors, (index + 0.5) / count) for index in range(count)]
    scores = np.concatenate([evidence.stranger_scores, expected])
    return scores, np.concatenate([evidence.stranger_weights, np.ones(count)])


def _quantile(scores: Floats, share: float, weights: Floats) -> float:
    return float(np.quantile(scores, share, weights=weights, method="inverted_cdf"))


def _odds(evidence: Evidence, impostors: Impostors) -> tuple[float, float]:
    """Where the chance of a right name is even, and the rise in score that makes the odds ten times better.

    Logistic regression (as J. Platt, "Probabilistic outputs for support vector machines", 1999) with a normal prior
    around the pack's figures: even where one stranger in a hundred comes, tenfold where strangers thin out tenfold.
    """
    strangers, enrolled = evidence.stranger_weights.sum(), evidence.enrolled_weights.sum()
    if strangers == 0 or enrolled == 0:
        return impostors.threshold_1pct, impostors.per_decade
    unit = impostors.per_decade / math.log(10)
    scores = np.concatenate([evidence.stranger_scores, evidence.enrolled_scores])
    x = np.column_stack([np.ones(scores.size), (scores - impostors.threshold_1pct) / unit])
    right = np.concatenate([np.zeros(evidence.stranger_scores.size), evidence.enrolled_right])
    half = (strangers + enrolled) / 2
    weights = np.concatenate(
        [evidence.stranger_weights * half / strangers, evidence.enrolled_weights * half / enrolled]
    )
    shift, rise = _logistic_regression(x, right, weights, prior=np.array([0.0, 1.0]))
    rise = max(rise, _LEAST_RISE)
    return impostors.threshold_1pct - unit * shift / rise, unit * math.log(10) / rise


def _logistic_regression(x: Floats, right: Floats, weights: Floats, *, prior: Floats) -> tuple[float, float]:
    """Coefficients of log odds that are linear in `x` (N, 2), by Newton's method with halved steps."""

    def loss(odds: Floats) -> float:
        margins = x @ odds
        own = weights @ (np.logaddexp(0, margins) - right * margins)
        return float(own + _PACKS_PEOPLE / 2 * np.sum((odds - prior) ** 2))

    odds = prior
    for _ in range(_STEPS):
        likely = 0.5 + 0.5 * np.tanh(x @ odds / 2)
        slope = x.T @ (weights * (likely - right)) + _PACKS_PEOPLE * (odds - prior)
        curvature = (x.T * (weights * likely * (1 - likely))) @ x + _PACKS_PEOPLE * np.eye(2)
        step = np.linalg.solve(curvature, slope)
        while loss(odds - step) > loss(odds) and np.abs(step).max() > _SETTLED:
            step = step / 2
        odds = odds - step
        if np.abs(step).max() <= _SETTLED:
            break
    return float(odds[0]), float(odds[1])

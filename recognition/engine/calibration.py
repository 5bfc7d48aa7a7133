"""From a wanted false-alarm rate to a threshold, and from a score to a probability."""

import math

import numpy as np
from numpy.typing import NDArray

from recognition.engine.packs import Impostors

LOWEST_RATE, HIGHEST_RATE = 1e-6, 0.5


def expected_threshold(impostors: Impostors, false_alarm_rate: float) -> float:
    """The score that this share of strangers reaches, going by the pack's figures alone."""
    return impostors.threshold_1pct + impostors.per_decade * math.log10(0.01 / false_alarm_rate)


def threshold(scores: NDArray[np.float64], people: int, false_alarm_rate: float, impostors: Impostors) -> float:
    """The score to ask for, so that this share of strangers is named wrongly.

    `scores`: what impostors got in this gallery, each compared with everybody but themselves; `people`: how many
    different impostors they are. To see a rate r takes some 1/r impostors, so the quantile of the scores counts with
    weight `people`, and the pack's figures with weight 1/r. Raises ValueError for a rate outside 0.000001-0.5.
    """
    if not LOWEST_RATE <= false_alarm_rate <= HIGHEST_RATE:
        raise ValueError(f"The false-alarm rate must lie between {LOWEST_RATE:f} and {HIGHEST_RATE}.")
    expected = expected_threshold(impostors, false_alarm_rate)
    if not scores.size:
        return expected
    seen = float(np.quantile(scores, 1 - false_alarm_rate))
    needed = 1 / false_alarm_rate
    return (people * seen + needed * expected) / (people + needed)


def probability(scores: NDArray[np.float64], threshold: float, width: float) -> NDArray[np.float64]:
    """0.5 at the threshold, rising with the score: the odds grow tenfold with each `width`.

    Strangers' scores thin out tenfold with each width, so this is the chance of a right name where, at the threshold,
    strangers and enrolled people are equally many.
    """
    # tanh instead of exp: no overflow far from the threshold.
    return 0.5 + 0.5 * np.tanh((scores - threshold) * (math.log(10) / 2 / width))

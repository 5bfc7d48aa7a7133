"""How long a fault lasts or how often it strikes: as the table asks by `make faults`, else for a few seconds.

The quick versions are for every run of the tests. They are run beside others, on installations in a hurry
(tests.faults.hasty), and what they do not wait for is not measured: their bounds on time only tell slow from never.
"""

import os

import pytest

SHARE = float(os.environ.get("FAULTS", "0"))  # of the full length
QUICK = not SHARE
PATIENCE = 5

# For what cannot be had in seconds: `make faults` alone runs it.
not_quick = pytest.mark.faults


def quick_on(kind: str) -> pytest.MarkDecorator:
    """Of a test for both kinds of installations: one will do for the quick version."""
    return pytest.mark.quick_on(kind)


def length(quick: float, full: float) -> float:
    """Seconds, rounds or crops."""
    return max(quick, full * SHARE)


def times(quick: int, full: int) -> range:
    """Rounds, for a `for`."""
    return range(round(length(quick, full)))


def bound(seconds: float) -> float:
    """How long to wait: as the table asks of a run that has the machine to itself; far longer beside whatever else."""
    return PATIENCE * seconds if QUICK else seconds


def assert_within(took: float, allowed: float) -> None:
    """At full length; how soon it is in a quick version says more of the machine than of the product."""
    assert QUICK or took <= allowed, f"{took:.1f} s, {allowed} s are allowed"

"""How long a fault lasts or how often it strikes: seconds, or as the table asks by `make faults`."""

import os

SHARE = float(os.environ.get("FAULTS", "0"))  # of the full length


def length(quick: float, full: float) -> float:
    """Seconds, rounds or crops."""
    return max(quick, full * SHARE)


def times(quick: int, full: int) -> range:
    """Rounds, for a `for`."""
    return range(round(length(quick, full)))


def bound(seconds: float) -> float:
    """The table's bound for a run that has the machine to itself; more for a short one, beside whatever else."""
    return seconds if SHARE else 2 * seconds

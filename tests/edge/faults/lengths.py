"""How long a fault lasts: seconds among the other tests, as long as in life for `make soak`."""

import os

import pytest

SHARE = float(os.environ.get("SOAK", "1"))  # of the full length


def soak(full: float) -> object:
    """A parameter for `make soak` alone: seconds or rounds."""
    return pytest.param(full * SHARE, marks=[pytest.mark.soak, pytest.mark.timeout(600 + 3 * full * SHARE)])

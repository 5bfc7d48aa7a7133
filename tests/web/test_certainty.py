"""How sure a name is, as people read it."""

import pytest

from detections.templatetags.certainty import certainty


@pytest.mark.parametrize(
    ("probability", "shown"), [(0.0, "0 %"), (0.5, "50 %"), (0.739, "73 %"), (0.99993, "99 %"), (1.0, "99 %")]
)
def test_it_is_rounded_down_and_never_beyond_doubt(probability: float, shown: str) -> None:
    assert certainty(probability) == shown

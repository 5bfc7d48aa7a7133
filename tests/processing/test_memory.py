"""A batch of huge images is done in portions, so that memory stays bounded."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detections import processing
from tests.fabricated import plain_png

LIMIT = 40_000_000


@given(st.lists(st.integers(min_value=0, max_value=LIMIT), max_size=20))
def test_no_portion_is_larger_than_one_largest_image(sizes: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processing, "_pixels", lambda crop: crop)
        portions = list(processing._portions(sizes))
    assert [size for portion in portions for size in portion] == sizes
    assert all(portions)
    assert all(sum(portion) <= LIMIT for portion in portions)


def test_an_ordinary_batch_is_one_portion() -> None:
    crops = [SimpleNamespace(image=plain_png(level)) for level in range(16)]
    assert list(processing._portions(crops)) == [crops]


def test_an_unreadable_image_counts_nothing_and_stays_in_its_portion() -> None:
    crops = [SimpleNamespace(image=b"junk"), SimpleNamespace(image=plain_png())]
    assert list(processing._portions(crops)) == [crops]

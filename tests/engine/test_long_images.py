"""An image that could be read and not be kept is refused before it is read."""

import cv2
import numpy as np
import pytest

from recognition.engine.errors import ImageError
from recognition.engine.images import MAX_SIDE, decode, encode_jpeg


@pytest.mark.parametrize("shape", [(10, MAX_SIDE + 1), (MAX_SIDE + 1, 10)])
def test_a_side_longer_than_that_of_any_jpeg_is_refused(shape: tuple[int, int]) -> None:
    png = cv2.imencode(".png", np.zeros((*shape, 3), np.uint8))[1].tobytes()
    with pytest.raises(ImageError) as refused:
        decode(png)
    assert refused.value.code == "too_many_pixels"


def test_one_as_long_is_kept() -> None:
    assert encode_jpeg(np.zeros((8, MAX_SIDE, 3), np.uint8))

"""Crops and levels are means over the pixels they cover."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.sampling import AreaSampler


def mean_over(image: np.ndarray, left: int, top: int, right: int, bottom: int, size: tuple[int, int]) -> np.ndarray:
    """Adaptive average pooling, written down plainly."""
    rows, columns = size
    height, width = bottom - top, right - left
    return np.array(
        [
            [
                image[
                    top + i * height // rows : top - (-(i + 1) * height // rows),
                    left + j * width // columns : left - (-(j + 1) * width // columns),
                ].mean(axis=(0, 1))
                for j in range(columns)
            ]
            for i in range(rows)
        ]
    )


@given(data=st.data(), height=st.integers(1, 40), width=st.integers(1, 40), size=st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_crops_average_what_lies_inside_the_image(data: st.DataObject, height: int, width: int, size: int) -> None:
    image = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    corner = st.integers(-20, 60)
    boxes = np.array([data.draw(st.tuples(corner, corner, corner, corner))], np.float32)
    sampler = AreaSampler([image])
    inside = sampler.inside(boxes)
    left, top, right, bottom = (int(value) for value in boxes[0])
    left, top, right, bottom = max(left, 1) - 1, max(top, 1) - 1, min(right, width), min(bottom, height)
    assert len(inside) == (right > left and bottom > top)
    if len(inside):
        expected = mean_over(image, left, top, right, bottom, (size, size))
        np.testing.assert_allclose(sampler.crops(inside, size)[0], expected, atol=1e-3)


def test_levels_average_the_whole_image_and_can_be_had_in_parts() -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    sampler = AreaSampler([image])
    whole = sampler.scaled(0, 21, 30, range(21))
    np.testing.assert_allclose(whole, mean_over(image, 0, 0, 70, 50, (21, 30)), atol=1e-3)
    np.testing.assert_array_equal(sampler.scaled(0, 21, 30, range(4, 17)), whole[4:17])


def test_sums_that_wrap_around_still_give_right_means() -> None:
    sampler = AreaSampler([np.full((3200, 3200, 3), 255, np.uint8)])  # their sum is beyond 32 bits
    crops = sampler.crops(np.array([[1, 1, 3200, 3200], [3000, 3000, 3200, 3200]], np.float32), 24)
    np.testing.assert_allclose(crops, 255, rtol=1e-6)


def test_views_of_several_images_are_those_of_each_alone() -> None:
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, shape, dtype=np.uint8) for shape in ((20, 30, 3), (0, 9, 3), (50, 10, 3))]
    boxes = np.array([[-3, 2, 8, 14], [1, 1, 9, 9]], np.float32)
    together = AreaSampler(images)
    for index in (0, 2):
        alone, placed = AreaSampler([images[index]]), together.placed(boxes, index)
        assert together.owners(placed).tolist() == [index, index]
        np.testing.assert_array_equal(together.crops(placed, 6), alone.crops(boxes, 6))
        np.testing.assert_array_equal(together.scaled(index, 9, 9, range(9)), alone.scaled(0, 9, 9, range(9)))
    assert len(together.inside(together.placed(boxes, 1))) == 0

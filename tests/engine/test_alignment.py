"""Faces are turned so that landmarks meet the template."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.engine.alignment import align, similarity
from recognition.engine.faces import Image

TEMPLATE = ((46.0, 45.0), (103.0, 45.0), (75.0, 78.0), (50.0, 107.0), (99.0, 107.0))


@given(angle=st.floats(-3.1, 3.1), scale=st.floats(0.05, 20), x=st.floats(-500, 500), y=st.floats(-500, 500))
def test_a_turned_scaled_shifted_template_is_brought_back(angle: float, scale: float, x: float, y: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.array(TEMPLATE) @ turn.T + (x, y)
    matrix = similarity(points.tolist(), TEMPLATE)
    np.testing.assert_allclose(points @ matrix[:, :2].T + matrix[:, 2], TEMPLATE, atol=1e-6)


def test_no_other_similarity_is_nearer() -> None:
    random = np.random.default_rng(0)
    points = np.array(TEMPLATE) + random.normal(0, 8, (5, 2))
    matrix = similarity(points.tolist(), TEMPLATE)

    def distance(matrix: np.ndarray) -> float:
        return float(np.sum((points @ matrix[:, :2].T + matrix[:, 2] - TEMPLATE) ** 2))

    for _ in range(100):
        change, turn = random.normal(0, 0.01, 4), matrix.copy()
        turn[:, :2] += [[change[0], -change[1]], [change[1], change[0]]]
        turn[:, 2] += change[2:] * 100
        assert distance(turn) >= distance(matrix)


def test_coinciding_points_give_a_chip_all_the_same() -> None:
    chip = align(np.zeros((10, 10, 3), np.uint8), [(5.0, 5.0)] * 5, TEMPLATE, 150)
    assert chip.shape == (150, 150, 3)


@pytest.mark.parametrize("factor", [2, 5, 9])
def test_a_large_face_gives_the_chip_that_a_small_copy_gives(astronaut: Image, factor: int) -> None:
    points = np.array([(200, 105), (245, 105), (222, 130), (205, 150), (240, 150)], float)
    large = cv2.resize(astronaut, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR)
    small_chip = align(astronaut, points.tolist(), TEMPLATE, 150)
    large_chip = align(large, ((points + 0.5) * factor - 0.5).tolist(), TEMPLATE, 150)
    assert np.abs(small_chip.astype(int) - large_chip).mean() < 3


def test_shrinking_averages_instead_of_skipping_pixels() -> None:
    stripes = np.zeros((1500, 1500, 3), np.uint8)
    stripes[:, ::2] = 255
    chip = align(stripes, (np.array(TEMPLATE) * 10).tolist(), TEMPLATE, 150)
    assert np.abs(chip.astype(int) - 127).max() < 40


def test_what_lies_outside_the_image_repeats_its_edge() -> None:
    points = [(x - 400.0, y) for x, y in TEMPLATE]
    chip = align(np.full((50, 50, 3), 77, np.uint8), points, TEMPLATE, 150)
    assert (chip == 77).all()

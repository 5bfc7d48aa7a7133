"""Quality figures order photos as people would."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from recognition.engine.faces import Face, Image
from recognition.engine.pipeline import Pipeline
from recognition.engine.quality import assess

FRONTAL = Face((0, 0, 100, 120), ((30.0, 40.0), (70.0, 40.0), (50.0, 60.0), (35.0, 80.0), (65.0, 80.0)), 1.0)


def test_blur_lowers_sharpness(pipeline: Pipeline, astronaut: Image) -> None:
    def sharpness(image: Image) -> float:
        return pipeline.analyse([image])[0][0].quality.sharpness

    blurred = [sharpness(cv2.GaussianBlur(astronaut, (0, 0), sigma)) for sigma in (1, 2, 4)]
    assert sharpness(astronaut) > blurred[0] > blurred[1] > blurred[2]


def test_brightness_is_the_mean_grey_level() -> None:
    chips = [np.full((150, 150, 3), value, np.uint8) for value in (0, 51, 255)]
    assert [assess(FRONTAL, chip).brightness for chip in chips] == pytest.approx([0, 0.2, 1])


def test_a_turned_head_is_less_frontal() -> None:
    def frontality(nose_x: float) -> float:
        landmarks = (*FRONTAL.landmarks[:2], (nose_x, 60.0), *FRONTAL.landmarks[3:])
        return assess(replace(FRONTAL, landmarks=landmarks), np.zeros((150, 150, 3), np.uint8)).frontality

    assert [frontality(x) for x in (50, 40, 60, 30, 80)] == pytest.approx([1, 0.5, 0.5, 0, 0])


def test_tilting_the_head_does_not_matter(astronaut: Image) -> None:
    turned = tuple((-y, x) for x, y in FRONTAL.landmarks)
    assert assess(replace(FRONTAL, landmarks=turned), astronaut).frontality == pytest.approx(1)


def test_coinciding_eyes_are_a_profile(astronaut: Image) -> None:
    assert assess(replace(FRONTAL, landmarks=((1.0, 1.0),) * 5), astronaut).frontality == 0


def test_size_is_the_shorter_side(astronaut: Image) -> None:
    assert assess(FRONTAL, astronaut).face_px == 100

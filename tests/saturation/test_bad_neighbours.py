"""Images that are looked at together: a bad one gets its own error, the others their answers."""

from types import SimpleNamespace

import numpy as np
import pytest

from detections.identification import _answer_all, _Question
from recognition.engine.classifier import empty_classifier
from recognition.engine.errors import ImageError
from tests.fabricated import DIMENSION, Eyes, direction, face, level_of, plain_png

TRUNCATED = plain_png()[:-20]


def serving(analyse: object) -> SimpleNamespace:
    return SimpleNamespace(pipeline=SimpleNamespace(analyse=analyse), classifier=empty_classifier(DIMENSION))


def test_an_image_that_cannot_be_decoded_costs_its_neighbours_nothing() -> None:
    eyes = Eyes()
    batches = []

    def analyse(images: list) -> list:
        batches.append(len(images))
        return eyes.analyse(images)

    one = serving(analyse)
    images = [eyes.picture_of(1), TRUNCATED, eyes.picture_of(2, 3)]
    first, bad, last = _answer_all([_Question(image, one) for image in images])
    assert isinstance(bad, ImageError)
    assert (len(first.faces), len(last.faces)) == (1, 2)
    assert batches == [2]


def test_an_image_that_the_engine_fails_on_fails_alone() -> None:
    eyes = Eyes()
    images = [eyes.picture_of(1), eyes.picture_of(2), eyes.picture_of(3)]

    def analyse(pictures: list) -> list:
        if any(level_of(picture) == 1 for picture in pictures):  # the second one
            raise RuntimeError("this one")
        return eyes.analyse(pictures)

    first, bad, last = _answer_all([_Question(image, serving(analyse)) for image in images])
    assert isinstance(bad, RuntimeError)
    np.testing.assert_array_equal(first.faces[0][0].vector, direction(1))
    np.testing.assert_array_equal(last.faces[0][0].vector, direction(3))


def test_each_image_is_looked_at_with_the_model_that_served_when_it_came() -> None:
    def seer(box: tuple) -> SimpleNamespace:
        return serving(lambda pictures: [[face(direction(1), box)] for _ in pictures])

    old, new = seer((0, 0, 9, 9)), seer((1, 1, 8, 8))
    answers = _answer_all([_Question(plain_png(), which) for which in (old, old, new)])
    assert [answer.faces[0][0].face.box[0] for answer in answers] == [0, 0, 1]


@pytest.mark.parametrize("count", [0, 3])
def test_images_without_faces_have_none(count: int) -> None:
    empty = serving(lambda pictures: [[] for _ in pictures])
    assert [answer.faces for answer in _answer_all([_Question(plain_png(), empty)] * count)] == [[]] * count

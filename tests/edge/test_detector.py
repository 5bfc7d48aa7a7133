"""Only faces of the wanted size and certainty, and at least half in the picture, are given."""

import math

import numpy as np
import pytest

from edge_client.detector import FaceDetector
from facesite.demo_video import portraits


@pytest.fixture
def find(pack_folder):
    def find(image: np.ndarray, **limits: float | None):
        detector = FaceDetector(pack_folder, **{"min_size": 40, "max_size": None, "min_confidence": 0.9} | limits)
        return detector.detect(image)

    return find


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    return portraits()["astronaut"]


def test_face_is_found_with_its_landmarks_inside(find, portrait):
    (face,) = find(portrait)
    x1, y1, x2, y2 = face.box
    assert 80 < face.size < 140
    assert ((face.landmarks > (x1, y1)) & (face.landmarks < (x2, y2))).all()
    assert face.confidence > 0.95


def test_limits_are_kept(find, portrait):
    (face,) = find(portrait, min_confidence=0)
    assert find(portrait, min_confidence=math.nextafter(face.confidence, 2)) == []
    assert find(portrait, min_size=face.size * 1.1) == []
    assert find(portrait, max_size=face.size * 0.9) == []
    assert len(find(portrait, min_size=face.size * 0.9, max_size=face.size * 1.1)) == 1


def test_face_mostly_outside_the_picture_is_left_out(find, portrait):
    assert len(find(portrait[:, 190:])) == 1
    assert find(portrait[:, 204:]) == []


@pytest.mark.parametrize("shape", [(1, 1), (8, 2000), (240, 320)])
def test_picture_without_a_face_gives_none(find, shape):
    assert find(np.full((*shape, 3), 127, np.uint8)) == []

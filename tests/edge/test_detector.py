"""Only faces of the wanted size and certainty, and at least half in the picture, are given."""

import math

import numpy as np
import pytest

from edge_client.detector import FaceDetector, open_finder
from edge_client.drawnface import drawn_face
from edge_client.settings import CameraSettings
from facesite.demo_video import portraits


@pytest.fixture
def detector(pack_folder):
    def make(**limits: float | None) -> FaceDetector:
        return FaceDetector(open_finder("mtcnn", pack_folder), CameraSettings(**limits))

    return make


@pytest.fixture
def find(detector):
    def find(image: np.ndarray, **limits: float | None):
        return detector(**limits).search(image)

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


def overlap(one, other) -> float:
    sides = [max(0, min(one[k + 2], other[k + 2]) - max(one[k], other[k])) for k in (0, 1)]
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return math.prod(sides) / (sum(areas) - math.prod(sides))


@pytest.fixture(scope="module")
def crowd(portrait) -> np.ndarray:
    """A large picture with the same face twice, far apart."""
    picture = np.full((1080, 1920, 3), 110, np.uint8)
    picture[100:612, 200:712] = picture[500:1012, 1200:1712] = portrait
    return picture


def test_only_the_regions_are_searched_and_places_are_those_of_the_frame(find, detector, crowd):
    everywhere = sorted(find(crowd), key=lambda face: face.box)
    assert len(everywhere) == 2
    (right,) = detector().search(crowd, [(1000, 400, 1900, 1060)])
    assert overlap(right.box, everywhere[1].box) > 0.8
    assert np.abs(right.landmarks - everywhere[1].landmarks).max() < 6
    assert detector().search(crowd, []) == []
    assert detector().search(crowd, [(-50, -50, 190, 5000), (3000, 3000, 4000, 4000)]) == []


def test_face_is_followed_near_where_it_is_expected(detector, crowd):
    found = sorted(detector().search(crowd), key=lambda face: face.box)
    shifted = [tuple(np.array(face.box) + 0.15 * face.size) for face in found]
    followed = sorted(detector().follow(crowd, shifted), key=lambda face: face.box)
    assert [overlap(face.box, other.box) > 0.7 for face, other in zip(followed, found, strict=True)] == [True, True]
    assert detector().follow(crowd, []) == []
    assert detector().follow(crowd, [(900, 20, 1000, 120)]) == []
    assert detector().follow(crowd, [(-400, -400, -300, -300)]) == []


def test_lost_faces_are_found_in_their_neighbourhoods(detector, crowd):
    found = sorted(detector().search(crowd), key=lambda face: face.box)
    moved = [tuple(np.array(face.box) + 0.8 * face.size) for face in found]
    both = sorted(detector().search_near(crowd, moved), key=lambda face: face.box)
    assert [overlap(again.box, face.box) > 0.7 for again, face in zip(both, found, strict=True)] == [True, True]
    (left,) = detector().search_near(crowd, moved[:1])
    assert overlap(left.box, found[0].box) > 0.7
    assert detector().search_near(crowd, []) == []


@pytest.mark.parametrize("min_size", [12, 40, 60, 100])
def test_faces_are_found_however_far_the_frame_is_shrunk(find, portrait, min_size):
    assert len(find(portrait, min_size=min_size)) == 1


def test_drawn_face_shows_that_the_detector_works(find):
    (face,) = find(drawn_face(120))
    assert overlap(face.box, (78, 69, 162, 181)) > 0.5


@pytest.mark.corpus
@pytest.mark.parametrize("network", ["yunet-n-dynamic", "yunet-n-640", "ultralight-rfb-320"])
def test_other_detectors_find_and_follow_the_same_face(shared_models, find, portrait, network):
    finder = open_finder(network.partition("-")[0], shared_models / f"{network}.onnx")
    detector = FaceDetector(finder, CameraSettings())
    (expected,), (face,) = find(portrait), detector.search(portrait)
    (followed,) = detector.follow(portrait, [face.box])
    for box in (face.box, followed.box):
        assert np.abs(np.subtract(box, expected.box)).max() < 0.25 * expected.size
    assert (face.landmarks is None) == network.startswith("ultralight")
    assert detector.search(np.full((1, 1, 3), 127, np.uint8)) == []

"""Detection of odd images costs little and never fails; the search can be narrowed."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import Mtcnn
from detectors.mtcnn import _strips
from recognition.engine.faces import Image


@pytest.fixture(scope="module")
def mtcnn(pack_folder: Path) -> Mtcnn:
    return Mtcnn(pack_folder)


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (1, 3000), (3000, 1), (10_000, 10), (10, 10_000), (12, 12), (19, 400), (20, 20), (21, 4000), (0, 0)],
)
def test_images_too_small_for_a_face_have_none(mtcnn: Mtcnn, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    found = mtcnn.detect(image)
    assert (len(found), found.boxes.shape, found.landmarks.shape) == (0, (0, 4), (0, 5, 2))


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_flat_image_has_no_face(mtcnn: Mtcnn, value: int) -> None:
    assert len(mtcnn.detect(np.full((300, 300, 3), value, np.uint8))) == 0


def test_noise_does_not_fail(mtcnn: Mtcnn) -> None:
    assert len(mtcnn.detect(np.random.default_rng(1).integers(0, 256, (480, 640, 3), dtype=np.uint8))) == 0


def test_images_of_any_size_together_give_what_they_give_alone(mtcnn: Mtcnn, astronaut: Image, hopper: Image) -> None:
    tiny = np.zeros((5, 5, 3), np.uint8)
    images = [hopper, tiny, astronaut[:0], astronaut, np.tile(astronaut, (2, 2, 1)), hopper]
    together = mtcnn.detect_all(images)
    assert [len(found) for found in together] == [1, 0, 0, 1, 4, 1]
    for image, found in zip(images, together, strict=True):
        np.testing.assert_allclose(found.landmarks, mtcnn.detect(image).landmarks, atol=1e-3)
    assert mtcnn.detect_all([]) == []
    assert [len(found) for found in mtcnn.detect_all([tiny, astronaut[:0]])] == [0, 0]
    refined = mtcnn.refine_all(images, [found.boxes for found in together])
    assert [len(found) for found in refined] == [1, 0, 0, 1, 4, 1]


def test_an_upside_down_view_of_an_array_is_searched_as_it_is(mtcnn: Mtcnn, astronaut: Image) -> None:
    upright = mtcnn.detect(astronaut[::-1][::-1])
    np.testing.assert_array_equal(upright.boxes, mtcnn.detect(astronaut.copy()).boxes)


def test_a_large_crowd_needs_bounded_memory_and_is_found(mtcnn: Mtcnn, astronaut: Image) -> None:
    crowd = np.tile(cv2.resize(astronaut[:256, 96:352], (300, 300)), (12, 15, 1))
    assert crowd.shape == (3600, 4500, 3)
    tracemalloc.start()
    found = mtcnn.detect(crowd, min_face=80)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 600 * 2**20
    assert len(found) == 12 * 15
    # Beyond 12 megapixels the search is done on a smaller copy; the boxes still belong to the image given.
    assert found.boxes[:, 2].max() > 4400


def test_two_hundred_faces_in_one_image_are_all_found(mtcnn: Mtcnn, astronaut: Image) -> None:
    mosaic = np.tile(cv2.resize(astronaut[:256, 96:352], (100, 100)), (10, 20, 1))
    assert len(mtcnn.detect(mosaic)) == 200


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_face_cut_by_the_border_is_found_once(mtcnn: Mtcnn, astronaut: Image, side: str) -> None:
    ((x1, y1, x2, y2),) = mtcnn.detect(astronaut).boxes
    part = {"left": np.s_[:, int(x1 + (x2 - x1) / 5) :], "right": np.s_[:, : int(x2 - (x2 - x1) / 5)]} | {
        "top": np.s_[int(y1 + (y2 - y1) / 5) :],
        "bottom": np.s_[: int(y2 - (y2 - y1) / 5)],
    }
    assert len(mtcnn.detect(astronaut[part[side]])) == 1


def test_proposals_of_others_are_refined(mtcnn: Mtcnn, astronaut: Image) -> None:
    (box,) = mtcnn.detect(astronaut).boxes
    near = box + np.array([[-10, 5, 8, 9], [5, -9, 20, 3]])
    proposals = np.vstack([near, [[0, 400, 90, 490], [-80, -80, -1, -1]]]).astype(np.float32)
    (refined,) = mtcnn.refine(astronaut, proposals).boxes
    assert np.abs(refined - box).max() < 0.1 * (box[2] - box[0])
    assert len(mtcnn.refine(astronaut, proposals[2:])) == 0
    assert len(mtcnn.refine(astronaut, proposals[:0])) == 0
    assert len(mtcnn.refine(astronaut[:0], proposals)) == 0


def test_the_search_can_be_narrowed_to_large_or_small_faces(mtcnn: Mtcnn, astronaut: Image) -> None:
    small = cv2.resize(astronaut, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    both = np.zeros((600, 700, 3), np.uint8)
    both[:512, :512], both[400:554, 530:684] = astronaut, small
    assert len(mtcnn.detect(both)) == 2
    (large,) = mtcnn.detect(both, min_face=60).boxes
    assert large[2] - large[0] > 60
    (little,) = mtcnn.detect(both, max_face=40).boxes
    assert little[2] - little[0] < 60


def test_each_of_several_images_has_its_own_smallest_face(mtcnn: Mtcnn, astronaut: Image) -> None:
    small = cv2.resize(astronaut, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    assert [len(found) for found in mtcnn.detect_all([small] * 3, min_face=[100, 20, 100])] == [0, 1, 0]
    with pytest.raises(ValueError, match="broadcast"):
        mtcnn.detect_all([small] * 3, min_face=[20, 20])


def test_threads_share_one_detector(mtcnn: Mtcnn, astronaut: Image, hopper: Image) -> None:
    images = [astronaut, hopper] * 4
    alone = [mtcnn.detect(image).boxes for image in images]
    with ThreadPoolExecutor(4) as threads:
        together = [found.boxes for found in threads.map(mtcnn.detect, images)]
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@given(height=st.integers(12, 3000), width=st.integers(12, 5000))
@settings(max_examples=200, deadline=None)
def test_strips_cover_every_window_once(height: int, width: int) -> None:
    def results(rows: int) -> int:
        """Rows of the first network's result for so many rows of image."""
        return -(-(rows - 2) // 2) - 4

    strips = list(_strips(height, width))
    assert sum(results(len(strip)) for strip in strips) == results(height)
    assert strips[-1].stop == height
    assert all(len(strip) * width <= max(60_000, 32 * width) + 12 * width for strip in strips)

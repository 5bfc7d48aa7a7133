"""Images to embedded faces."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from recognition.engine.faces import Face, Image
from recognition.engine.images import decode
from recognition.engine.packs import Pack
from recognition.engine.pipeline import Pipeline


def side_by_side(left: Image, right: Image) -> Image:
    image = np.zeros((max(left.shape[0], right.shape[0]), left.shape[1] + right.shape[1], 3), np.uint8)
    image[: left.shape[0], : left.shape[1]], image[: right.shape[0], left.shape[1] :] = left, right
    return image


def test_each_portrait_has_one_face_and_two_people_are_far_apart(
    pipeline: Pipeline, astronaut: Image, hopper: Image
) -> None:
    ((one,), (other,)) = pipeline.analyse([astronaut, hopper])
    assert pipeline.dimension == one.vector.shape[0] == 128
    assert one.face.confidence > 0.99
    assert one.vector @ other.vector < 0.9
    small = cv2.resize(astronaut, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    ((again,),) = pipeline.analyse([small])
    assert one.vector @ again.vector > 0.97


def test_images_together_give_what_they_give_alone(pipeline: Pipeline, astronaut: Image, hopper: Image) -> None:
    images = [astronaut, np.zeros((40, 40, 3), np.uint8), side_by_side(hopper, astronaut), hopper]
    together = pipeline.analyse(images)
    assert [len(faces) for faces in together] == [1, 0, 2, 1]
    for image, faces in zip(images, together, strict=True):
        (alone,) = pipeline.analyse([image])
        for one, other in zip(faces, alone, strict=True):
            np.testing.assert_allclose(one.face.box, other.face.box, atol=1e-3)
            np.testing.assert_allclose(one.face.landmarks, other.face.landmarks, atol=1e-3)
            assert one.quality.sharpness == pytest.approx(other.quality.sharpness, rel=1e-2)
            np.testing.assert_allclose(one.vector, other.vector, atol=1e-3)


def test_the_largest_faces_come_first_and_are_kept(pipeline: Pipeline, astronaut: Image, hopper: Image) -> None:
    image = side_by_side(cv2.resize(astronaut, (256, 256)), hopper)
    ((largest, smaller),) = pipeline.analyse([image])
    assert largest.face.width > smaller.face.width
    ((only,),) = pipeline.analyse([image], max_faces=1)
    assert only.face == largest.face


def test_no_images_give_no_results(pipeline: Pipeline) -> None:
    assert pipeline.analyse([]) == []


def test_crops_around_a_face_give_the_same_person(pipeline: Pipeline, astronaut: Image) -> None:
    ((whole,),) = pipeline.analyse([astronaut])
    crop = cv2.resize(astronaut[40:220, 135:315], (130, 130), interpolation=cv2.INTER_AREA)
    ((cropped,),) = pipeline.analyse([crop], crops=True)
    assert whole.vector @ cropped.vector > 0.96


@pytest.mark.parametrize("cut", [0, 25])
def test_of_a_crop_the_face_in_the_middle_is_found(
    pipeline: Pipeline, astronaut: Image, hopper: Image, cut: int
) -> None:
    """Also where the frame's border cut the crop, so that the face is beside the middle."""
    image = side_by_side(astronaut[20:240, 115:335], hopper[50:330, 110:180])
    ((face, *_),) = pipeline.analyse([image[:220, cut:220]], crops=True)
    ((whole,),) = pipeline.analyse([astronaut])
    assert face.vector @ whole.vector > 0.96


def test_a_crop_with_only_a_small_face_is_searched_again(pipeline: Pipeline, astronaut: Image) -> None:
    assert len(pipeline.analyse([astronaut], crops=True)[0]) == 1


def test_threads_share_one_pipeline(pipeline: Pipeline, astronaut: Image, hopper: Image) -> None:
    expected = {id(image): pipeline.analyse([image])[0][0].vector for image in (astronaut, hopper)}
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda image: (image, pipeline.analyse([image])), [astronaut, hopper] * 4))
    for image, ((found,),) in results:
        np.testing.assert_allclose(found.vector, expected[id(image)], atol=1e-5)


def test_detector_and_embedder_can_be_others(pack: Pack, astronaut: Image) -> None:
    face = Face((10, 10, 90, 90), ((30.0, 40.0), (70.0, 40.0), (50.0, 60.0), (35.0, 80.0), (65.0, 80.0)), 0.5)

    class FixedDetector:
        def detect(self, images: Sequence[Image], *, crops: bool = False) -> list[list[Face]]:
            return [[face] for _ in images]

    class FixedEmbedder:
        dimension = 2

        def embed(self, chips: Image) -> np.ndarray:
            return np.tile(np.float32([0, 1]), (len(chips), 1))

    (faces,) = Pipeline(pack, detector=FixedDetector(), embedder=FixedEmbedder()).analyse([astronaut])
    assert [(embedded.face, embedded.vector.tolist()) for embedded in faces] == [(face, [0, 1])]


@pytest.mark.corpus
def test_upright_and_turned_photos_show_the_same_people(pipeline: Pipeline, corpus: Path) -> None:
    photos = [decode((corpus / "malformed" / f"synth_exif_face_{number}.jpg").read_bytes()) for number in (1, 6)]
    upright, turned = pipeline.analyse(photos)
    assert min(len(upright), len(turned)) >= 6
    similarities = np.array([[one.vector @ other.vector for other in turned] for one in upright])
    assert np.sum(similarities.max(axis=1) > 0.97) >= 6

"""YuNet and Ultra-Light find the faces that MTCNN finds, in images of any shape."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from recognition.engine.detector import Detector, MtcnnDetector, open_detector
from recognition.engine.faces import Face, Image
from recognition.engine.packs import DetectorSpec, Pack

pytestmark = pytest.mark.corpus

FILES = ["yunet-n-dynamic", "yunet-n-640", "ultralight-rfb-320", "ultralight-rfb-640"]


def with_detector(pack: Pack, folder: Path, file: Path) -> Pack:
    kind = file.stem.partition("-")[0]
    shutil.copy(file, folder)
    files = (file.name,)
    if kind == "ultralight":
        files += pack.manifest.detector.files
        for name in pack.manifest.detector.files:
            shutil.copy(pack.path(name), folder)
    return replace(pack, folder=folder, manifest=replace(pack.manifest, detector=DetectorSpec(kind, files)))


@pytest.fixture(scope="module", params=FILES)
def detector(request: pytest.FixtureRequest, pack: Pack, shared_models: Path, tmp_path_factory: object) -> Detector:
    other = with_detector(pack, tmp_path_factory.mktemp("pack"), shared_models / f"{request.param}.onnx")
    return open_detector(other)


@pytest.fixture(scope="module")
def mtcnn(pack: Pack) -> MtcnnDetector:
    return MtcnnDetector(pack)


def assert_alike(face: Face, other: Face) -> None:
    """Landmarks within a tenth of the face's width, and boxes that share half of both."""
    assert np.abs(np.subtract(face.landmarks, other.landmarks)).max() < 0.1 * other.width
    low, high = np.maximum(face.box[:2], other.box[:2]), np.minimum(face.box[2:], other.box[2:])
    shared = np.prod(np.maximum(high - low, 0))
    assert shared > 0.5 * (face.width * face.height + other.width * other.height - shared)


@pytest.mark.parametrize("scale", [0.25, 1, 3])
def test_a_portrait_shows_one_face_where_mtcnn_sees_it(
    detector: Detector, mtcnn: MtcnnDetector, astronaut: Image, hopper: Image, scale: float
) -> None:
    for portrait in (astronaut, hopper):
        image = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        (face,), (expected,) = detector.detect([image])[0], mtcnn.detect([image])[0]
        assert_alike(face, expected)
        assert 0.6 < face.confidence <= 1


def test_two_people_side_by_side_are_two_faces(detector: Detector, astronaut: Image, hopper: Image) -> None:
    image = np.hstack([astronaut, cv2.resize(hopper, (512, 512))])
    left, right = sorted(detector.detect([image])[0], key=lambda face: face.box[0])
    assert left.box[2] < 512 < right.box[0]


def test_a_face_that_fills_a_crop_is_found(detector: Detector, mtcnn: MtcnnDetector, astronaut: Image) -> None:
    ((whole,),) = mtcnn.detect([astronaut])
    x1, y1, x2, y2 = map(int, whole.box)
    ((face,),) = detector.detect([astronaut[y1 - 15 : y2 + 15, x1 - 15 : x2 + 15]], crops=True)
    assert face.width > 0.6 * whole.width


def test_a_face_cut_by_the_border_has_points_near_the_image(detector: Detector, astronaut: Image) -> None:
    for face in detector.detect([astronaut[:, :225]])[0]:
        assert np.abs(np.array(face.landmarks)).max() < 2 * 512


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (10, 10_000), (33, 31), (700, 20)])
def test_images_without_room_for_a_face_have_none(detector: Detector, shape: tuple[int, int]) -> None:
    assert detector.detect([np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)]) == [[]]


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_flat_image_has_no_face(detector: Detector, value: int) -> None:
    assert detector.detect([np.full((300, 400, 3), value, np.uint8)]) == [[]]


def test_threads_share_one_detector(detector: Detector, astronaut: Image, hopper: Image) -> None:
    images = [astronaut, hopper] * 4
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda image: detector.detect([image]), images)) == [
            detector.detect([image]) for image in images
        ]

"""Which frames make enrolment photos."""

from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from edge_client.detector import Face
from edge_client.shots import ALIKE, ASIDE, BLURRED, NO_FACE, SEVERAL, UNFIT, WAIT, Chooser
from edge_client.source import Frame
from facesite.demo_video import portraits

PORTRAIT = cv2.resize(portraits()["astronaut"], (400, 400))
FRONT = np.array([[35, 40], [65, 40], [50, 60], [38, 78], [62, 78]], np.float32)
PROFILE = np.array([[35, 40], [65, 40], [66, 60], [38, 78], [62, 78]], np.float32)


def face(points: np.ndarray | None = FRONT, shift: float = 0) -> Face:
    """The astronaut's."""
    left, top, size = 137 + shift, 52, 90
    landmarks = None if points is None else points * size / 100 + (left, top)
    return Face((left, top, left + size, top + size), landmarks, 0.99)


def frame(seconds: float = 0.0, image: np.ndarray = PORTRAIT) -> Frame:
    return Frame(image, datetime.now(UTC), seconds)


def brighter(image: np.ndarray) -> np.ndarray:
    return cv2.convertScaleAbs(image, alpha=0.8, beta=30)


def turned(image: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(image, cv2.getRotationMatrix2D((182, 97), 25, 1), (400, 400))


def test_one_sharp_frontal_face_is_taken() -> None:
    assert Chooser().objection(frame(), [face()]) == ""


def test_a_detector_without_landmarks_is_believed() -> None:
    assert Chooser().objection(frame(), [face(None)]) == ""


@pytest.mark.parametrize(
    ("image", "faces", "objection"),
    [
        (PORTRAIT, [], NO_FACE),
        (PORTRAIT, [face(), face(shift=100)], SEVERAL),
        (cv2.GaussianBlur(PORTRAIT, (0, 0), 8), [face()], BLURRED),
        (PORTRAIT, [face(PROFILE)], ASIDE),
    ],
)
def test_an_unfit_frame_is_not_taken(image: np.ndarray, faces: list[Face], objection: str) -> None:
    assert Chooser().objection(frame(image=image), faces) == objection
    assert objection in UNFIT or not faces


@pytest.mark.parametrize("change", [lambda image: image, brighter])
@pytest.mark.parametrize("shift", [-4, 0, 4])
def test_the_same_pose_is_not_taken_twice_whatever_the_light_and_the_box(change, shift: float) -> None:
    chooser = Chooser()
    chooser.take(frame(), face(), accepted=True)
    assert chooser.objection(frame(2.0, change(PORTRAIT)), [face(shift=shift)]) == ALIKE


def test_another_pose_is_taken_after_a_pause() -> None:
    chooser = Chooser()
    chooser.take(frame(), face(), accepted=True)
    assert chooser.objection(frame(0.2, turned(PORTRAIT)), [face()]) == WAIT
    assert chooser.objection(frame(0.6, turned(PORTRAIT)), [face()]) == ""


def test_a_pose_that_was_refused_may_come_again_after_a_pause() -> None:
    chooser = Chooser()
    chooser.take(frame(), face(), accepted=False)
    assert chooser.objection(frame(0.2), [face()]) == WAIT
    assert chooser.objection(frame(0.6), [face()]) == ""


@pytest.mark.parametrize("box", [(-40, -40, 50, 50), (350, 350, 450, 450)])
def test_a_face_at_the_frame_s_edge_is_no_trouble(box: tuple[int, ...]) -> None:
    chooser = Chooser()
    half = Face(box, None, 0.9)
    chooser.take(frame(), half, accepted=True)
    assert chooser.objection(frame(2.0), [half]) in {ALIKE, BLURRED}

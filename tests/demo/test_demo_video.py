"""The demo video tells its story: people and emptiness where WALKS says so, the same each time, whole or not at all."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from detectors import Mtcnn
from facesite import demo_video


def frames(path: Path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    found = []
    while (item := capture.read())[0]:
        found.append(item[1])
    return found


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "demo.mp4"
    demo_video.make_demo_video(path, seconds=5)
    return path


def test_video_has_the_announced_size_rate_and_length(short):
    capture = cv2.VideoCapture(str(short))
    assert capture.get(cv2.CAP_PROP_FPS) == demo_video.FPS
    images = frames(short)
    assert len(images) == 5 * demo_video.FPS
    assert {image.shape for image in images} == {(demo_video.HEIGHT, demo_video.WIDTH, 3)}


def test_people_are_in_the_picture_in_their_walks_and_nobody_otherwise(short):
    images = [image[60 : demo_video.DESK_TOP].astype(int) for image in frames(short)]
    empty = images[0]
    changed = [np.mean(np.abs(image - empty).max(axis=2) > 40) for image in images]
    for number, share in enumerate(changed):
        moment = number / len(images)
        # A walk begins and ends outside the picture, so its edges count for neither side.
        if all(not walk.start <= moment <= walk.end for walk in demo_video.WALKS):
            assert share < 0.001, f"somebody at {moment:.2f}"
        if any(walk.steps[1][0] <= moment <= walk.steps[-2][0] for walk in demo_video.WALKS):
            assert share > 0.01, f"nobody at {moment:.2f}"


def test_story_has_both_people_alone_both_together_and_nobody():
    def present(moment: float) -> frozenset[str]:
        return frozenset(walk.person for walk in demo_video.WALKS if walk.start <= moment <= walk.end)

    seen = [present(moment) for moment in np.linspace(0, 1, 200)]
    assert set(seen) == {
        frozenset(),
        *(frozenset({name}) for name in demo_video.CUTOUTS),
        frozenset(demo_video.CUTOUTS),
    }
    visits = [before for before, after in pairwise(seen) if before and not after]
    assert len(visits) == 3  # each followed by a stretch of nobody


def test_same_video_every_time(short, tmp_path):
    again = tmp_path / "again.mp4"
    demo_video.make_demo_video(again, seconds=5)
    for one, other in zip(frames(short), frames(again), strict=True):
        np.testing.assert_array_equal(one, other)


def test_progress_counts_every_frame(tmp_path):
    calls = []
    demo_video.make_demo_video(tmp_path / "a.mp4", seconds=1, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(number, 12) for number in range(1, 13)]


def test_interrupted_making_leaves_the_old_video_and_no_rubbish(short, tmp_path):
    target = tmp_path / "demo.mp4"
    target.write_bytes(b"the old one")

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        demo_video.make_demo_video(target, seconds=1, progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["demo.mp4"]
    assert target.read_bytes() == b"the old one"


def test_enrolment_photos_are_four_different_pictures_with_one_face_each(pack_folder):
    photos = demo_video.enrolment_photos()
    assert len(set(photos)) == 4
    detector = Mtcnn(pack_folder)
    for photo in photos:
        image = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR_RGB)
        assert len(detector.detect(image, min_face=60)) == 1
    assert demo_video.enrolment_photos() == photos

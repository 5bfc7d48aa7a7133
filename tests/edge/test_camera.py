"""What a camera submits for scripted detections: tracks that proved themselves, each with its own circumstances."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from unittest.mock import Mock

import numpy as np
import pytest

from edge_client.camera import BEAT_EVERY, HURRIED, LONG_UNSENT, LOOK_EVERYWHERE_EVERY, Camera
from edge_client.detector import Face
from edge_client.server import Crop
from edge_client.settings import CameraConfig, CameraSettings
from edge_client.source import Frame

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LANDMARKS = np.array([(30, 35), (70, 35), (50, 55), (35, 75), (65, 75)], np.float32)
NOISE = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)


def at(x: float) -> Face:
    return Face((x, 100, x + 100, 200), LANDMARKS + np.float32([x, 100]), 0.99)


class ScriptedDetector:
    """The faces of each frame in turn, by the left edge of their boxes, and what it was asked."""

    def __init__(self) -> None:
        self.faces: list[Face] = []
        self.searched: list[object] = []
        self.followed = 0

    def search(self, _image: np.ndarray, regions: object = None) -> list[Face]:
        self.searched.append(regions)
        return list(self.faces)

    def search_near(self, _image: np.ndarray, _boxes: object) -> list[Face]:
        return []

    def follow(self, _image: np.ndarray, boxes: list) -> list[Face]:
        self.followed += len(boxes)
        return [face for face in self.faces if any(abs(face.box[0] - box[0]) < 40 for box in boxes)]


class Outbox:
    def __init__(self) -> None:
        self.crops: list[Crop] = []
        self.hurried: list[bool] = []
        self.beats: list[tuple[str, datetime]] = []
        self.named = False

    def submit(self, crop: Crop, taken_at: float | None = None, *, hurry: bool = True) -> None:
        self.crops.append(crop)
        self.hurried.append(hurry)

    def beat(self, _camera: str, track: str, moment: datetime) -> None:
        self.beats.append((track, moment))

    def settled(self, _camera: str, _track: str) -> bool:
        return self.named


class Scene:
    """A camera before which faces come and go."""

    def __init__(self, **settings: object) -> None:
        self.outbox, self.detector = Outbox(), ScriptedDetector()
        config = CameraConfig(id="entrance", source=0, settings=CameraSettings(**{"motion": False} | settings))
        self.camera = Camera(config, self.detector, self.outbox)
        self.seconds = 0.0

    def show(self, *script: list[float], fps: float = 10, image: np.ndarray = NOISE) -> list[Crop]:
        for places in script:
            self.detector.faces = [at(x) for x in places]
            self.camera.process(Frame(image, START + timedelta(seconds=self.seconds), self.seconds))
            self.seconds += 1 / fps
        return self.outbox.crops


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_face_seen_too_seldom_is_not_sent(scene):
    assert scene.show([50], [50], *[[]] * 20) == []
    assert (scene.camera.figures.faces, scene.camera.figures.tracks) == (2, 0)


def test_face_that_flickers_is_not_sent_even_when_its_first_moments_are_over(scene):
    assert scene.show([50], [], [], [], [], [], [50]) == []


def test_track_cut_off_by_the_end_of_the_video_is_sent():
    scene = Scene()
    dark = (NOISE * 0.1).astype(np.uint8)  # not usable at once
    assert scene.show([50], [50], [50], image=dark) == []
    scene.camera.end_tracks()
    assert len(scene.outbox.crops) == 1
    assert scene.camera.figures.tracks == 1


def test_steady_face_is_sent_seldom_with_the_circumstances_of_its_frame(scene):
    crop, second, third, *later = scene.show(*[[50]] * 60)
    assert len(later) <= 4
    assert crop.captured_at in {START + timedelta(seconds=number / 10) for number in range(6)}
    assert crop.captured_at < second.captured_at < third.captured_at
    assert (crop.camera, crop.frame_size, crop.box, crop.codec) == ("entrance", (640, 480), (50, 100, 150, 200), "webp")
    assert crop.image.startswith(b"RIFF")


def test_usable_face_is_sent_as_soon_as_its_track_is_sure(scene):
    assert scene.show([50], [50]) == []
    assert len(scene.show([50])) == 1


def test_the_first_crops_that_may_be_named_and_one_after_a_long_wait_are_in_a_hurry(scene):
    scene.show(*[[50]] * 12, image=(NOISE * 0.03).astype(np.uint8))
    assert scene.outbox.hurried == [False, False]
    scene.show(*[[50]] * 60)
    crops, hurried = scene.outbox.crops[2:], scene.outbox.hurried[2:]
    late = hurried.index(True, HURRIED)
    assert hurried == [number < HURRIED or number == late for number in range(len(crops))]
    waits = [(after.captured_at - before.captured_at).total_seconds() for before, after in pairwise(crops)]
    assert max(waits[HURRIED - 1 : late - 1]) < LONG_UNSENT <= waits[late - 1]


def test_two_faces_are_two_tracks(scene):
    crops = scene.show(*[[50, 400]] * 20)
    assert len({crop.track for crop in crops}) == 2
    assert {crop.box[0] for crop in crops} == {50, 400}


def test_who_stays_is_told_now_and_then_and_who_leaves_at_the_end(scene):
    (crop,) = scene.show(*[[50]] * 3)
    scene.outbox.named = True
    scene.show(*[[50]] * int(10 * (2 * BEAT_EVERY + 5)))
    assert [track for track, _ in scene.outbox.beats] == [crop.track] * 2
    last_seen = START + timedelta(seconds=scene.seconds - 0.1)
    scene.show(*[[]] * 20)
    assert scene.outbox.beats[2:] == [(crop.track, last_seen)]


def test_short_visit_needs_no_sign_of_presence(scene):
    scene.show(*[[50]] * 5, *[[]] * 20)
    assert (len(scene.outbox.crops), scene.outbox.beats) == (2, [])


def test_named_person_is_sent_no_more_but_stays_present(scene):
    scene.show([50], [50], [50])
    scene.outbox.named = True
    scene.show(*[[50]] * int(10 * (BEAT_EVERY + 1)))
    assert (len(scene.outbox.crops), len(scene.outbox.beats)) == (1, 1)


def test_change_of_the_pictures_size_ends_the_tracks(scene):
    scene.show(*[[50]] * 10)
    scene.show(*[[50]] * 10, image=NOISE[:240, :320])
    tracks = {crop.track for crop in scene.outbox.crops}
    assert len(tracks) == 2
    assert scene.camera.figures.tracks == 1


def test_empty_scene_is_searched_seldom_and_then_everywhere():
    scene = Scene(motion=True)
    scene.show(*[[]] * 200)
    assert scene.detector.searched == [[(0, 0, 640, 480)]] * round(20 / LOOK_EVERYWHERE_EVERY)
    assert scene.detector.followed == 0


def test_face_that_never_moves_is_found_and_then_followed_in_every_frame():
    scene = Scene(motion=True)
    scene.show(*[[]] * 3, *[[50]] * 100)
    assert len({crop.track for crop in scene.outbox.crops}) == 1
    assert scene.camera.figures.active == 1
    assert scene.detector.followed > 40


def test_a_face_that_the_search_shows_is_not_followed_besides():
    scene = Scene(motion=True)
    scene.show(*[[50]] * 100)
    searches = len(scene.detector.searched)
    assert searches >= 2
    assert scene.detector.followed == 100 - searches


def test_a_face_lost_where_was_searched_just_now_is_not_looked_for_once_more():
    scene = Scene(motion=True)
    scene.detector.search_near = near = Mock(return_value=[])
    scene.show([50], [])  # the second frame follows
    assert near.call_args.args[1] == [(50, 100, 150, 200)]
    scene.seconds = LOOK_EVERYWHERE_EVERY
    scene.show([50])
    scene.seconds = 2 * LOOK_EVERYWHERE_EVERY
    scene.show([])  # this one searches
    assert near.call_args.args[1] == []

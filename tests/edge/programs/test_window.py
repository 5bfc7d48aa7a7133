"""How windows end a program, and what is said where there can be none. No window is opened here."""

import cv2
import numpy as np
import pytest

from edge_client.settings import ConfigError
from edge_client.window import Screen

FRAME = np.zeros((1080, 1920, 3), np.uint8)


class Display:
    """What OpenCV was told, and what it answers."""

    def __init__(self) -> None:
        self.sizes: dict[str, tuple[int, int]] = {}
        self.places: dict[str, tuple[int, int]] = {}
        self.shown: dict[str, np.ndarray] = {}
        self.key = -1
        self.visible = 1.0


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Display:
    fake = Display()
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "resizeWindow", lambda title, *size: fake.sizes.update({title: size}))
    monkeypatch.setattr(cv2, "moveWindow", lambda title, *place: fake.places.update({title: place}))
    monkeypatch.setattr(cv2, "imshow", fake.shown.__setitem__)
    monkeypatch.setattr(cv2, "pollKey", lambda: fake.key)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: fake.visible)
    monkeypatch.setattr(cv2, "destroyAllWindows", fake.shown.clear)
    return fake


@pytest.mark.parametrize(("key", "ends"), [(ord("q"), True), (27, True), (ord("x"), False), (-1, False)])
def test_q_and_escape_end_it(display: Display, key: int, ends: bool) -> None:
    screen = Screen()
    screen.show("video", FRAME)
    display.key = key
    assert screen.is_left() is ends


def test_closing_a_window_ends_it(display: Display) -> None:
    screen = Screen()
    screen.show("video", FRAME)
    display.visible = 0.0
    assert screen.is_left()


def test_without_a_picture_yet_nobody_has_left(display: Display) -> None:
    display.visible = 0.0
    assert not Screen().is_left()


def test_colours_are_those_of_the_picture(display: Display) -> None:
    red = np.full((10, 10, 3), (255, 0, 0), np.uint8)
    Screen().show("video", red)
    assert (display.shown["video"] == (0, 0, 255)).all()  # as OpenCV orders them


def test_large_pictures_fit_the_screen_and_keep_their_proportions(display: Display) -> None:
    screen = Screen()
    screen.show("video", FRAME)
    assert display.sizes["video"] == (1280, 720)
    screen.show("video", np.zeros((200, 100, 3), np.uint8))
    assert display.sizes["video"] == (100, 200)


def test_a_second_window_does_not_cover_the_first(display: Display) -> None:
    screen = Screen()
    screen.show("video", FRAME)
    screen.show("crop", FRAME[:300, :300])
    assert display.places["video"] == (0, 0)
    assert display.places["crop"][0] > display.sizes["video"][0]


def test_an_opencv_without_windows_is_named(display: Display, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise cv2.error("The function is not implemented")

    monkeypatch.setattr(cv2, "namedWindow", refuse)
    with pytest.raises(ConfigError, match="use --headless, or install opencv-python"):
        Screen().show("video", FRAME)

"""Boxes and words are drawn so that they can be read on any frame, and leave the frame itself alone."""

import numpy as np
import pytest

from edge_client.drawing import BLUE, GREEN, RED, WHITE, Label, annotate, enlarged, in_latin, sheet

LEVELS = [0, 128, 255]


def frame(level: int = 0, height: int = 240, width: int = 320) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def has(image: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((image == colour).all(axis=2).any())


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("colour", [RED, BLUE, GREEN, WHITE])
def test_a_box_is_visible_on_bright_and_dark_frames(level: int, colour: tuple[int, int, int]) -> None:
    drawn = annotate(frame(level), [Label((100, 80, 180, 200), colour)])
    assert has(drawn[75:85, 95:185], colour)
    assert has(drawn, (0, 0, 0))  # the rim
    assert (drawn[100:180, 120:160] == level).all()  # what is in the box stays to be seen


@pytest.mark.parametrize("level", LEVELS)
def test_words_are_white_on_the_colour_of_the_box(level: int) -> None:
    bar = annotate(frame(level), [Label((100, 80, 180, 200), GREEN, "Ada 97%")])[62:76, 104:150]
    green, bright = (bar == GREEN).all(axis=2).mean(), (bar.min(axis=2) > 180).mean()
    assert green > 0.3
    assert 0.05 < bright < 0.5


def test_the_frame_given_is_not_drawn_on() -> None:
    image = frame()
    annotate(image, [Label((10, 10, 90, 90), RED, "too small")])
    assert not image.any()


@pytest.mark.parametrize("box", [(0, 0, 30, 30), (300, 0, 330, 40), (-20, 230, 20, 260), (310, 220, 400, 300)])
def test_words_stay_in_the_picture_where_the_box_leaves_it(box: tuple[int, ...]) -> None:
    words = annotate(frame(), [Label(box, RED, "too small")]).astype(int) - annotate(frame(), [Label(box, RED)])
    assert (abs(words).max(axis=2) > 0).sum() > 800


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("Zoë Łukasz Ørsted", "Zoe Lukasz Orsted"),
        ("Straße ı æ", "Strase i ae"),
        ("Zoe\u0308", "Zoe"),
        ("李娜", "??"),
        ("…", "..."),
    ],
)
def test_names_lose_what_the_font_cannot_draw(text: str, drawn: str) -> None:
    assert in_latin(text) == drawn


def test_a_crop_is_enlarged_whole_into_a_square() -> None:
    shown = enlarged(frame(200, height=40, width=80), 320)
    assert shown.shape == (320, 320, 3)
    assert (shown[80:240] == 200).all()
    assert not shown[:80].any()
    assert not shown[240:].any()


@pytest.mark.parametrize(("count", "rows"), [(0, 1), (1, 1), (4, 1), (5, 2)])
def test_a_sheet_has_a_place_for_each_crop(count: int, rows: int) -> None:
    shown = sheet([frame(255, 50, 50)] * count, side=20, columns=4)
    assert shown.shape == (20 * rows, 80, 3)
    assert (shown > 0).any(axis=2).sum() == count * 400

"""Draws on pictures: boxes with labels, enlarged crops, sheets of shots. Nothing here opens a window."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.boxes import Box

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]  # red, green, blue

RED: Colour = (214, 40, 40)
BLUE: Colour = (32, 96, 224)
GREEN: Colour = (20, 132, 62)
WHITE: Colour = (255, 255, 255)
_BLACK: Colour = (0, 0, 0)
_FONT = cv2.FONT_HERSHEY_DUPLEX
_LETTER = re.compile(r"LATIN (SMALL|CAPITAL) LETTER (?:[A-Z]+ )?([A-Z]{1,2})( WITH |$)")


@dataclass(frozen=True, slots=True)
class Label:
    """A box (x1, y1, x2, y2 in pixels) with its colour and words; without words it is a box alone."""

    box: Box
    colour: Colour
    text: str = ""


def annotate(image: Image, labels: Sequence[Label]) -> Image:
    """A copy of an RGB image (H, W, 3) with the boxes and their words, of a size that suits the image's."""
    canvas = image.copy()
    scale = max(0.45, min(canvas.shape[:2]) / 1100)
    for label in labels:
        _frame(canvas, label, scale)
    for label in labels:
        if label.text:
            _write(canvas, label.text, (round(label.box[0]), round(label.box[1])), label.colour, scale)
    return canvas


def enlarged(image: Image, side: int, caption: str = "") -> Image:
    """A crop fitted into a black square of `side` pixels, with words at its foot."""
    scale = side / max(image.shape[:2])
    width, height = (max(1, round(length * scale)) for length in (image.shape[1], image.shape[0]))
    canvas = np.zeros((side, side, 3), np.uint8)
    left, top = (side - width) // 2, (side - height) // 2
    canvas[top : top + height, left : left + width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
    if caption:
        _write(canvas, caption, (0, side), _BLACK, side / 480)
    return canvas


def sheet(images: Sequence[Image], side: int, columns: int) -> Image:
    """Crops in rows of `columns`, each in a square of `side` pixels; empty squares are black."""
    rows = max(1, -(-len(images) // columns))
    canvas = np.zeros((rows * side, columns * side, 3), np.uint8)
    for number, image in enumerate(images):
        top, left = number // columns * side, number % columns * side
        canvas[top : top + side, left : left + side] = enlarged(image, side)
    return canvas


def in_latin(text: str) -> str:
    """Words as OpenCV's fonts can draw them: without accents, and ? for each letter of another script."""
    return "".join(_plain(letter) for letter in unicodedata.normalize("NFKC", text))


def _plain(letter: str) -> str:
    if letter.isascii():
        return letter
    named = _LETTER.match(unicodedata.name(letter, ""))
    if not named:
        return "?"
    return named[2] if named[1] == "CAPITAL" else named[2].lower()


def _frame(canvas: Image, label: Label, scale: float) -> None:
    line = max(2, round(3 * scale))
    x1, y1, x2, y2 = (round(value) for value in label.box)
    # A dark rim keeps every colour visible on a frame of the same colour.
    cv2.rectangle(canvas, (x1, y1), (x2, y2), _BLACK, line + 2)
    cv2.rectangle(canvas, (x1, y1), (x2, y2), label.colour, line)


def _write(canvas: Image, text: str, corner: tuple[int, int], background: Colour, scale: float) -> None:
    """White words on a bar that stands on `corner`, moved so that as much as possible lies in the picture."""
    text = in_latin(text)
    (width, height), baseline = cv2.getTextSize(text, _FONT, scale, 1)
    pad = max(2, round(6 * scale))
    bar_width, bar_height = width + 2 * pad, height + baseline + 2 * pad
    left = max(0, min(corner[0], canvas.shape[1] - bar_width))
    top = max(0, min(corner[1] - bar_height, canvas.shape[0] - bar_height))
    cv2.rectangle(canvas, (left, top), (left + bar_width, top + bar_height), background, cv2.FILLED)
    origin = (left + pad, top + pad + height)
    cv2.putText(canvas, text, origin, _FONT, scale, WHITE, max(1, round(1.4 * scale)), cv2.LINE_AA)

"""Windows on the screen."""

import os
import sys

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.settings import ConfigError

_END_KEYS = {ord("q"), 27}  # Esc
_LARGEST = (1280, 720)  # pixels: what fits most screens
_BETWEEN = 16  # pixels


class Screen:
    """Pictures in windows, until somebody presses q or Esc, or closes one. Raises ConfigError without a display."""

    def __init__(self) -> None:
        # Asked beforehand: OpenCV's window library ends the whole process where it finds no display.
        if sys.platform == "linux" and not os.environ.get("DISPLAY"):
            raise ConfigError("there is no display to open a window on: use --headless")
        self._shown: dict[str, tuple[int, int]] = {}

    def show(self, title: str, image: NDArray[np.uint8]) -> None:
        """Show an RGB image (H, W, 3) in the window of that title."""
        try:
            if self._shown.get(title) != image.shape[:2]:
                self._fit(title, image)
            cv2.imshow(title, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        except cv2.error as error:
            raise ConfigError("this OpenCV cannot open windows: use --headless, or install opencv-python") from error

    def is_left(self) -> bool:
        """Whether the user wants to end. Also lets the windows breathe: call it after each picture."""
        if not self._shown:
            return False
        if cv2.pollKey() & 0xFF in _END_KEYS:
            return True
        return any(cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) < 1 for title in self._shown)

    def close(self) -> None:
        if self._shown:
            cv2.destroyAllWindows()

    def _fit(self, title: str, image: NDArray[np.uint8]) -> None:
        """A window of the image's proportions."""
        if title not in self._shown:
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            # Beside the others, which it would else cover.
            cv2.moveWindow(title, sum(_size(*shown)[0] + _BETWEEN for shown in self._shown.values()), 0)
        cv2.resizeWindow(title, *_size(*image.shape[:2]))
        self._shown[title] = image.shape[:2]


def _size(height: int, width: int) -> tuple[int, int]:
    """Width and height of the window for a picture."""
    scale = min(1.0, _LARGEST[0] / width, _LARGEST[1] / height)
    return round(width * scale), round(height * scale)

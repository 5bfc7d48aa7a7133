"""Fits images into the input size of a detector's network."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]  # (H, W, 3) RGB


def letterbox(image: Image, width: int, height: int) -> tuple[Image, float]:
    """The image at the top left of a black (height, width, 3), shrunk if it does not fit, and its scale there."""
    rows, columns = image.shape[:2]
    scale = min(1.0, width / max(1, columns), height / max(1, rows))
    if scale < 1:
        size = max(1, round(columns * scale)), max(1, round(rows * scale))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    canvas = np.zeros((height, width, 3), np.uint8)
    canvas[: image.shape[0], : image.shape[1]] = image
    return canvas, scale

"""A face drawn from a few ellipses: enough for a detector to show that it works, and nobody's."""

import cv2
import numpy as np

from edge_client.detector import Image

HAIR, SKIN, SHADE, LIPS = (60, 40, 30), (214, 170, 145), (150, 105, 90), (165, 75, 75)


def drawn_face(side: int) -> Image:
    """RGB (2 * side, 2 * side, 3) with one face, about 0.8 * side high, in the middle."""
    image = np.full((2 * side, 2 * side, 3), (96, 110, 120), np.uint8)

    def ellipse(x: float, y: float, width: float, height: float, colour: tuple[int, int, int]) -> None:
        """Place and radii in shares of the side, from the middle."""
        centre, radii = (round(side * (1 + x)), round(side * (1 + y))), (round(side * width), round(side * height))
        cv2.ellipse(image, centre, radii, 0, 0, 360, colour, -1, cv2.LINE_AA)

    ellipse(0, -0.08, 0.43, 0.56, HAIR)
    ellipse(0, 0.03, 0.38, 0.5, SKIN)
    for x in (-0.16, 0.16):
        ellipse(x, -0.15, 0.1, 0.02, HAIR)  # brow
        ellipse(x, -0.05, 0.09, 0.05, SHADE)
        ellipse(x, -0.05, 0.075, 0.035, (240, 240, 240))
        ellipse(x, -0.05, 0.035, 0.035, HAIR)
    ellipse(0, 0.18, 0.07, 0.02, SHADE)  # nose
    ellipse(0, 0.28, 0.13, 0.045, LIPS)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.014 * side), np.uint8)

"""Two public-domain portraits that installed packages carry."""

import cv2
import matplotlib.cbook
import numpy as np
import skimage.data

from recognition.engine.faces import Image


def astronaut() -> Image:
    """Eileen Collins, 512 × 512."""
    return np.asarray(skimage.data.astronaut(), np.uint8)


def hopper() -> Image:
    """Grace Hopper, 512 × 600."""
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8)

"""Photos as an edge node would have sent them: seen from elsewhere, shaken, blurred, noisy, dimmed and compressed."""

import cv2
import numpy as np

from edge_client import codec
from recognition.engine.faces import Face, Image

SIDE = (112, 160)  # pixels of the crop's longer side; the face takes 1 / (1 + codec.MARGIN) of it
BLUR = (0.0, 1.5)  # pixels, standard deviation
SHAKE = (0.0, 4.0)  # pixels, length of the blur by movement
NOISE = (0.0, 5.0)  # grey levels, standard deviation
LIGHT = (0.7, 1.2)  # factor
JITTER = 0.05  # of the box's side, standard deviation: an edge detector's boxes are no better


def sent_crop(image: Image, face: Face, random: np.random.Generator) -> bytes:
    """A WebP file of the face in an image, worsened in a way that `random` chooses."""
    x1, y1, x2, y2 = face.box
    scale = random.uniform(*SIDE) / (max(x2 - x1, y2 - y1) * (1 + codec.MARGIN))
    frame = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    frame = cv2.GaussianBlur(frame, (0, 0), max(random.uniform(*BLUR), 0.1))
    frame = cv2.filter2D(frame, -1, _shake(random.uniform(*SHAKE), random.uniform(0, np.pi)))
    seen = frame * random.uniform(*LIGHT) + random.normal(0, random.uniform(*NOISE), frame.shape)
    frame = np.clip(seen, 0, 255).astype(np.uint8)
    shift = np.tile(random.normal(0, JITTER, 2), 2) * max(x2 - x1, y2 - y1)
    left, top, right, bottom = (scale * (np.array(face.box) + shift)).tolist()
    return codec.encode(codec.crop(frame, (left, top, right, bottom)), "webp")


def _shake(length: float, angle: float) -> np.ndarray:
    """A kernel that smears along a line of that many pixels."""
    reach = int(np.ceil(length / 2))
    offsets = np.arange(-reach, reach + 1)
    x, y = np.meshgrid(offsets, offsets)
    along, across = x * np.cos(angle) + y * np.sin(angle), x * np.sin(angle) - y * np.cos(angle)
    near = np.clip(1 - np.abs(across), 0, None) * np.clip(length / 2 + 0.5 - np.abs(along), 0, 1)
    return np.asarray(near / near.sum(), np.float32)

"""From a frame to the few kilobytes that travel."""

import logging

import cv2
import numpy as np

from edge_client.boxes import Box
from edge_client.detector import Image
from edge_client.settings import CodecName

log = logging.getLogger(__name__)

MARGIN = 0.4  # of the box's longer side, half of it on each side: alignment needs some hair, chin and ears
MAX_SIDE = 128  # pixels: more weighs more than it helps (bench.codecs), as do better qualities below
_FORMATS = {
    "jpeg": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, 85, cv2.IMWRITE_JPEG_OPTIMIZE, 1]),
    "webp": (".webp", [cv2.IMWRITE_WEBP_QUALITY, 80]),
    "avif": (".avif", [cv2.IMWRITE_AVIF_QUALITY, 60, cv2.IMWRITE_AVIF_SPEED, 6]),
}


def crop(image: Image, box: Box, *, margin: float = MARGIN, max_side: int = MAX_SIDE) -> Image:
    """The square around a face with its margin, cut at the frame's edge, its longer side `max_side` pixels or less."""
    height, width = image.shape[:2]
    half = max(box[2] - box[0], box[3] - box[1]) * (1 + margin) / 2
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    left, right = max(0, round(x - half)), min(width, round(x + half))
    top, bottom = max(0, round(y - half)), min(height, round(y + half))
    if left >= right or top >= bottom:
        raise ValueError(f"box {box} lies outside the frame of {width}x{height}")
    part = image[top:bottom, left:right]
    scale = max_side / max(part.shape[:2])
    if scale >= 1:
        return part.copy()  # a view would keep the whole frame in memory
    size = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)


def encode(image: Image, codec: CodecName) -> bytes:
    """An RGB image (H, W, 3) as an image file."""
    suffix, parameters = _FORMATS[codec]
    return cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), parameters)[1].tobytes()


def available(codec: CodecName) -> CodecName:
    """The codec, or WebP where this build of OpenCV cannot write it (AVIF is missing from some)."""
    if cv2.haveImageWriter(_FORMATS[codec][0]):
        return codec
    log.warning("this OpenCV cannot write %s: crops are sent as webp", codec)
    return "webp"

"""Bytes to pixels, refusing what is no photo before it costs anything."""

import cv2
import numpy as np

from recognition.engine.avifheader import avif_turns
from recognition.engine.errors import ImageError
from recognition.engine.faces import Image
from recognition.engine.headerbytes import damaged
from recognition.engine.imageheaders import ImageInfo, read_header

MAX_PIXELS = 40_000_000
MAX_SIDE = 65_500  # pixels: no JPEG, as which photos are kept, can be longer


def inspect(data: bytes) -> ImageInfo:
    """Format and size, without decoding. Raises ImageError for anything but a complete JPEG, PNG, WebP or AVIF."""
    return read_header(data)


def decode(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Image:
    """(H, W, 3) RGB, upright as EXIF says, or AVIF itself. Grey, 16-bit, CMYK and transparent images are converted; an
    animation gives its first picture, but for those in AVIF, which are refused. Raises ImageError.
    """
    info = inspect(data)
    if info.width * info.height > max_pixels:
        raise ImageError(
            "too_many_pixels",
            f"The image has {info.width} × {info.height} pixels; the limit is {max_pixels // 1_000_000} megapixels.",
        )
    if max(info.width, info.height) > MAX_SIDE:
        size = f"{info.width} × {info.height}"
        raise ImageError("too_many_pixels", f"The image has {size} pixels; no side may have more than {MAX_SIDE:,}.")
    is_avif = info.format == "AVIF"
    flags = cv2.IMREAD_COLOR_RGB
    if is_avif:  # an AVIF turns itself; what its EXIF data says as well, readers ignore
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise damaged()
    if is_avif:
        image = _turned(image, *avif_turns(data))
    return np.asarray(image, np.uint8)


def _turned(image: np.ndarray, quarters: int, axis: int | None) -> np.ndarray:
    """OpenCV leaves it to the caller."""
    image = np.rot90(image, quarters)
    return np.ascontiguousarray(image if axis is None else np.flip(image, axis))


def encode_jpeg(image: Image, quality: int = 90, *, fine_colour: bool = False) -> bytes:
    """JPEG bytes of an RGB image. fine_colour: colours are kept for each pixel, not for each four."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    if fine_colour:
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    return data.tobytes()

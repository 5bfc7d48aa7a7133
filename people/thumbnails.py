"""Photos made small, for pages: the stored ones never leave storage."""

import cv2
from django.conf import settings

from people.models import Photo
from recognition import storage
from recognition.engine.errors import ImageError
from recognition.engine.images import decode, encode_jpeg

PX = 240


class NoPictureError(Exception):
    """The photo has no file that can be shown."""


def make(photo: Photo) -> bytes:
    """A JPEG whose shorter side has at most 240 pixels.

    Raises:
        NoPictureError: the file is gone or damaged.
        storage.StorageUnavailableError: it cannot be read just now.
    """
    try:
        image = decode(storage.read(photo.file.name), max_pixels=settings.MAX_IMAGE_PIXELS)
    except (FileNotFoundError, ImageError) as error:
        raise NoPictureError("The photo's file is gone or damaged.") from error
    scale = min(1.0, PX / min(image.shape[:2]))
    return encode_jpeg(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), quality=85)

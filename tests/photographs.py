"""Photos of the two public-domain portraits: as they are, and spoiled in every way that enrolment refuses."""

from functools import cache

import cv2
import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile

from facesite.demo_video import portraits
from recognition.engine.images import encode_jpeg


@cache
def portrait(name: str = "astronaut") -> bytes:
    return encode_jpeg(portraits()[name])


@cache
def second_portrait() -> bytes:
    """Another photo of the same face: mirrored."""
    return encode_jpeg(np.ascontiguousarray(portraits()["astronaut"][:, ::-1]))


@cache
def montage() -> bytes:
    """Both people side by side."""
    both = list(portraits().values())
    return encode_jpeg(np.hstack([cv2.resize(image, (512, 512)) for image in both]))


@cache
def tiny() -> bytes:
    image = portraits()["astronaut"]
    return encode_jpeg(cv2.resize(image, None, fx=0.35, fy=0.35, interpolation=cv2.INTER_AREA))


@cache
def blurred() -> bytes:
    return encode_jpeg(cv2.GaussianBlur(portraits()["astronaut"], (0, 0), 5))


def faceless() -> bytes:
    return encode_jpeg(np.full((240, 320, 3), 127, np.uint8))


def upload(data: bytes) -> dict[str, SimpleUploadedFile]:
    """The body of a photo's POST."""
    return {"image": SimpleUploadedFile("photo", data)}

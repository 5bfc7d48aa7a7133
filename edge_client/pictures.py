"""Image files in folders."""

import logging
import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.settings import ConfigError

log = logging.getLogger(__name__)

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".avif")
MAX_BYTES = 12 * 2**20  # the most a server takes, unless it is set up otherwise
_MOST_READ = 256 * 2**20  # bytes: what is more is no image, whatever its name


class PictureError(Exception):
    """An image file cannot be sent; the message says why."""


def find(folder: Path) -> list[Path]:
    """The images in a folder and its subfolders, sorted by path. Raises ConfigError where there is none."""
    if not folder.is_dir():
        raise ConfigError(f"--input-folder: there is no folder {folder}")
    walk = os.walk(folder, onerror=_leave_out)
    paths = (Path(place, name) for place, _, names in walk for name in names)
    found = sorted(path for path in paths if _is_picture(path, folder))
    if not found:
        raise ConfigError(f"--input-folder: no image in {folder}. Images end in {', '.join(SUFFIXES)}")
    return found


def _is_picture(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)  # thumbnails of file managers
    try:
        return path.suffix.lower() in SUFFIXES and not hidden and path.is_file()
    except OSError as error:
        _leave_out(error)
        return False


def _leave_out(error: OSError) -> None:
    log.warning("%s cannot be read and is left out: %s", error.filename, error.strerror)


def decode(data: bytes) -> NDArray[np.uint8] | None:
    """An image file's RGB pixels (H, W, 3), turned as its EXIF data tells; None where it is no readable image."""
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error:  # an empty file, or one that announces too many pixels
        return None
    return None if image is None else np.asarray(image, np.uint8)


def read(path: Path) -> NDArray[np.uint8] | None:
    """The RGB pixels of an image file (H, W, 3); None where it cannot be read."""
    try:
        return decode(path.read_bytes()) if path.stat().st_size <= _MOST_READ else None
    except OSError:
        return None


def load(path: Path) -> bytes:
    """An image file's bytes. Raises PictureError where it cannot be read, or is too large for any server."""
    try:
        size = path.stat().st_size
        if not size:
            raise PictureError("it is empty")
        if size > MAX_BYTES:
            raise PictureError(f"it has {size / 2**20:.0f} MiB, at most {MAX_BYTES // 2**20} can be sent")
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror}") from error

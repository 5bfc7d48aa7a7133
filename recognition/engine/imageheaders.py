"""Reads format and size from the first bytes of an image, and whether its end is there.

Decoders fill what a truncated file lacks with grey, so completeness has to be found out from the container:
JPEG must reach its end marker, PNG its end chunk, WebP and AVIF the length that they declare. What follows the end is
ignored, as decoders do.

Sources: ITU T.81 (JPEG), W3C PNG 3, RFC 9649 (WebP), and those of `avifheader`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from recognition.engine.avifheader import avif_size
from recognition.engine.errors import ImageError
from recognition.engine.headerbytes import MAX_PARTS, big, damaged, little


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """Format (`JPEG`, `PNG`, `WebP` or `AVIF`) and size in pixels as stored, before any rotation."""

    format: str
    width: int
    height: int


def read_header(data: bytes) -> ImageInfo:
    """Raises ImageError for anything but a complete image of a supported format."""
    if not data:
        raise ImageError("empty", "The file is empty.")
    for name, magic, read_size in _FORMATS:
        if magic.match(data):
            width, height = read_size(data)
            if width < 1 or height < 1:
                raise damaged()
            return ImageInfo(name, width, height)
    if _OTHER_IMAGES.match(data):
        raise ImageError("unsupported_format", "Only JPEG, PNG, WebP and AVIF images can be used.")
    raise ImageError("not_an_image", "The file is not an image.")


_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
# A small progressive file may ask for thousands of passes over a large picture.
_MAX_SCANS = 100


def _jpeg_size(data: bytes) -> tuple[int, int]:
    size = (0, 0)
    scans = 0
    for code, start in _jpeg_segments(data):
        if code in _FRAME_MARKERS and size == (0, 0):
            if big(data, start + 2, 1) != 8:
                raise ImageError("unsupported_format", "JPEG images must have 8 bits per colour.")
            size = big(data, start + 5, 2), big(data, start + 3, 2)
        scans += code == 0xDA
        if code == 0xD9 and scans:
            return size
        if scans > _MAX_SCANS:
            break
    raise damaged()


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker code and start of the contents of each segment."""
    position = 2
    for _ in range(MAX_PARTS):
        match = _MARKER.search(data, position)
        if match is None:
            return
        code, position = match[0][1], match.end()
        yield code, position
        if code in _BARE_MARKERS:
            continue
        position += max(2, big(data, position, 2))
        if code == 0xDA:
            end = _SCAN_END.search(data, position)
            position = end.start() if end else len(data)


def _png_size(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR":
        raise damaged()
    position = 8
    for _ in range(MAX_PARTS):
        kind = data[position + 4 : position + 8]
        position += 12 + big(data, position, 4)
        if kind == b"IEND" and position <= len(data):
            return big(data, 16, 4), big(data, 20, 4)
    raise damaged()


def _webp_size(data: bytes) -> tuple[int, int]:
    if len(data) < 8 + little(data, 4, 4):
        raise damaged()
    match data[12:16]:
        case b"VP8X":
            return 1 + little(data, 24, 3), 1 + little(data, 27, 3)
        case b"VP8L":
            bits = little(data, 21, 4)
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            return little(data, 26, 2) & 0x3FFF, little(data, 28, 2) & 0x3FFF
    raise damaged()


_FORMATS: tuple[tuple[str, re.Pattern[bytes], Callable[[bytes], tuple[int, int]]], ...] = (
    ("JPEG", re.compile(rb"\xff\xd8\xff"), _jpeg_size),
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n"), _png_size),
    ("WebP", re.compile(rb"RIFF.{4}WEBP", re.DOTALL), _webp_size),
    ("AVIF", re.compile(rb".{4}ftypavi[fs]", re.DOTALL), avif_size),
)
_OTHER_IMAGES = re.compile(
    rb"GIF8|BM|II\*\x00|MM\x00\*|8BPS|P[1-7]\s|\x00{3}\x0cjP {2}|\xff\x4f\xff\x51|.{4}ftyp(?:hei|hev|mif1|msf1)",
    re.DOTALL,
)

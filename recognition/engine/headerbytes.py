"""Numbers in the bytes of an image's header; what is not there is damage."""

from recognition.engine.errors import ImageError

# Segments, chunks or boxes of one file: more are an attempt to keep its reader busy.
MAX_PARTS = 50_000
_DAMAGED = "The image is damaged or incomplete. Please send the original file again."


def damaged() -> ImageError:
    return ImageError("damaged", _DAMAGED)


def big(data: bytes, start: int, count: int) -> int:
    return int.from_bytes(part_of(data, start, count), "big")


def little(data: bytes, start: int, count: int) -> int:
    return int.from_bytes(part_of(data, start, count), "little")


def part_of(data: bytes, start: int, count: int) -> bytes:
    part = data[start : start + count]
    if len(part) < count:
        raise damaged()
    return part

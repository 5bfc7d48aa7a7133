"""Takes the compact form of edge nodes apart; edge_client/bundle.py, which packs it, describes it."""

import hashlib
import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

VERSION = 1  # 1: the first
MOST = 512  # cameras, tracks, crops, beats: of each
MAX_FIGURES_BYTES = 64 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_NUMBER = 9  # bytes: 63 bits


def unpack(body: bytes) -> dict:
    """What a request says: `tracks`, `crops` (with their images), `beats`, `node`, all as JSON would have it but times.

    Raises ValueError: the text says what is wrong.
    """
    return _Reader(body).read()


def content_id(camera: str, track: str, image: bytes) -> str:
    """The id of a crop that came without one."""
    named = b"".join(_number(len(part)) + part for part in (camera.encode(), track.encode(), image))
    return str(UUID(bytes=hashlib.sha256(named).digest()[:16]))


def _number(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _number(rest) if rest else bytes([low])


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0
        self._moment = 0  # milliseconds since 1970
        self._frame_size: list[int] | None = None

    def read(self) -> dict:
        version = self._bytes(1)[0]
        if version != VERSION:
            raise ValueError(
                f"The request has format {version}, and this server reads {VERSION}. Update the older one."
            )
        cameras = self._list(self._text)
        tracks = self._list(lambda: [self._one_of(cameras), self._text()])
        crops = self._list(lambda: self._crop(*self._one_of(tracks)))
        beats = self._list(lambda: [self._place(tracks), self._time()])
        figures = self._figures()
        for crop in crops:
            crop["image"] = self._bytes(crop.pop("size"))
            crop.setdefault("id", content_id(crop["camera"], crop["track"], crop["image"]))
        if rest := len(self._body) - self._at:
            raise ValueError(f"{rest} bytes more than the request speaks of follow its images.")
        said = {"tracks": tracks, "crops": crops, "beats": beats}
        return said if figures is None else said | {"node": figures}

    def _crop(self, camera: str, track: str) -> dict:
        """All of it but its image."""
        crop: dict = {"camera": camera, "track": track, "size": self._number()}
        if name := self._blob():
            crop["id"] = str(UUID(bytes=name))
        crop["captured_at"] = self._time()
        if width := self._number():
            height, left, top = self._number(), self._number(), self._number()
            crop["box"] = [left, top, left + width, top + height]
            if frame_width := self._number():
                self._frame_size = [frame_width, self._number()]
            if self._frame_size is None:
                raise ValueError("The first box must say how large its frame is.")
            crop["frame_size"] = self._frame_size
        if confidence := self._number():
            crop["confidence"] = (confidence - 1) / 1000
        return crop

    def _figures(self) -> object:
        """Decompresses no more than MAX_FIGURES_BYTES, whatever it would grow to."""
        packed = self._blob()
        if not packed:
            return None
        try:
            inflating = zlib.decompressobj()
            text = inflating.decompress(packed, MAX_FIGURES_BYTES)
            if not inflating.eof:
                raise ValueError(f"The node's figures are cut off, or longer than {MAX_FIGURES_BYTES // 1024} KiB.")
            return json.loads(text)
        except (zlib.error, RecursionError) as error:
            raise ValueError("The node's figures must be JSON packed by zlib.") from error

    def _list(self, read: Callable[[], object]) -> list:
        count = self._number()
        if count > MOST:
            raise ValueError(f"The request has a list of {count}; {MOST} is the most.")
        return [read() for _ in range(count)]

    def _place(self, among: list) -> int:
        place = self._number()
        if place >= len(among):
            raise ValueError(f"The request names place {place} of a list of {len(among)}.")
        return place

    def _one_of(self, among: list) -> object:
        return among[self._place(among)]

    def _time(self) -> datetime:
        doubled = self._number()
        self._moment += -(doubled // 2) - 1 if doubled % 2 else doubled // 2
        try:
            return _EPOCH + timedelta(milliseconds=self._moment)
        except OverflowError as error:
            raise ValueError("The request speaks of a time that no calendar has.") from error

    def _text(self) -> str:
        return self._blob().decode()

    def _blob(self) -> bytes:
        return self._bytes(self._number())

    def _number(self) -> int:
        value = 0
        for place in range(_LONGEST_NUMBER):
            (byte,) = self._bytes(1)
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return value
        raise ValueError("The request has a number that is too long.")

    def _bytes(self, count: int) -> bytes:
        taken = self._body[self._at : self._at + count]
        if len(taken) < count:
            raise ValueError("The request is cut off.")
        self._at += count
        return taken

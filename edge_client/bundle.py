"""The compact form in which a node speaks: what it has to say, and right behind it the images of the crops.

A crop costs about 15 bytes beside its image; in a multipart form it would be a few hundred. Requests do not name their
type (application/x-facesite), which would take 38 bytes more. In this order:

    version     a byte, VERSION
    cameras     how many, and their ids (texts)
    tracks      how many, and of each its camera (a place in the list, from 0) and the node's name for it (text)
    crops       how many, and of each
                its track (a place), the bytes of its image, its id (blob: 16 bytes; empty: `content_id`), when it was
                captured (time), the width of its box, and unless that is 0 (no box) the height, left and top of it and
                the width of the frame, and unless that is 0 (as before) its height; then the confidence
                in thousandths plus 1 (0: none)
    beats       how many, and of each the track (a place) of somebody who is still there, and when that was (time)
    node        blob: figures of the node, as JSON packed by zlib; empty: none
    images      one behind the other

Numbers are unsigned LEB128: seven bits in a byte, the lowest first, the eighth bit says that more follow. A blob is its
length and its bytes, a text is a blob in UTF-8. A time is the milliseconds since the one before it in the request (the
first: since 1970), doubled if it is not negative, else doubled without its sign and less 1.

The server answers in two headers: `Tracks` has a letter for each track in the order of the request, the first of
"named", "unknown", "pending" or "refused"; `Settings`, where figures were sent, the version of the node's settings.
There is a body only where crops were rejected.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from edge_client.boxes import Box
from edge_client.settings import CodecName

VERSION = 1  # 1: the first
TrackKey = tuple[str, str]  # a camera's id, and the node's name for the track ("": none)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crop:
    """One face on its way, or a whole photograph (without box). `id` stays the same at every attempt, so that the
    server stores it once.
    """

    camera: str
    captured_at: datetime
    image: bytes
    codec: CodecName
    track: str = ""
    box: Box | None = None
    frame_size: tuple[int, int] | None = None
    confidence: float | None = None
    id: str = field(default_factory=lambda: str(uuid4()))


def content_id(camera: str, track: str, image: bytes) -> str:
    """The id of a crop that need not be sent, as it follows from the rest: the same image of the same track is the same
    crop.
    """
    named = _Writer()
    for part in (camera.encode(), track.encode(), image):
        named.blob(part)
    return str(UUID(bytes=hashlib.sha256(named.written).digest()[:16]))


def pack(
    crops: Sequence[Crop] = (),
    beats: Mapping[TrackKey, datetime] | None = None,
    node: Mapping[str, object] | None = None,
) -> tuple[list[TrackKey], bytes]:
    """The tracks in the order in which the server answers for them, and the body of a request."""
    beats = beats or {}
    tracks = list(dict.fromkeys([*((crop.camera, crop.track) for crop in crops), *beats]))
    cameras = list(dict.fromkeys(camera for camera, _ in tracks))
    body = _Writer(bytes([VERSION]))
    body.number(len(cameras))
    for camera in cameras:
        body.blob(camera.encode())
    body.number(len(tracks))
    for camera, key in tracks:
        body.number(cameras.index(camera))
        body.blob(key.encode())
    body.number(len(crops))
    for crop in crops:
        body.number(tracks.index((crop.camera, crop.track)))
        body.crop(crop)
    body.number(len(beats))
    for track, at in beats.items():
        body.number(tracks.index(track))
        body.time(at)
    body.blob(zlib.compress(json.dumps(node, separators=(",", ":")).encode(), 9) if node else b"")
    return tracks, bytes(body.written) + b"".join(crop.image for crop in crops)


class _Writer:
    """Appends values to `written`."""

    def __init__(self, begun: bytes = b"") -> None:
        self.written = bytearray(begun)
        self._moment = 0  # milliseconds since 1970
        self._frame_size: tuple[int, int] | None = None

    def number(self, value: int) -> None:
        while value >= 0x80:
            self.written.append(value & 0x7F | 0x80)
            value >>= 7
        self.written.append(value)

    def blob(self, content: bytes) -> None:
        self.number(len(content))
        self.written += content

    def time(self, at: datetime) -> None:
        moment = (at - _EPOCH) // timedelta(milliseconds=1)
        passed, self._moment = moment - self._moment, moment
        self.number(2 * passed if passed >= 0 else -2 * passed - 1)

    def crop(self, crop: Crop) -> None:
        """All of it but its track and its image."""
        self.number(len(crop.image))
        self.blob(b"" if crop.id == content_id(crop.camera, crop.track, crop.image) else UUID(crop.id).bytes)
        self.time(crop.captured_at)
        self._place(crop.box, crop.frame_size)
        self.number(0 if crop.confidence is None else round(1000 * crop.confidence) + 1)

    def _place(self, box: Box | None, frame_size: tuple[int, int] | None) -> None:
        """The box, cut at the frame's edges."""
        if box is None or frame_size is None:
            self.number(0)
            return
        left, top, right, bottom = (
            round(min(max(value, 0), end)) for value, end in zip(box, 2 * frame_size, strict=True)
        )
        self.number(right - left)
        if right > left:
            frame = (0,) if frame_size == self._frame_size else frame_size
            for value in (bottom - top, left, top, *frame):
                self.number(value)
            self._frame_size = frame_size

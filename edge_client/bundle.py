"""The compact form in which a node speaks: zlib-compressed JSON, and right behind it the images of the crops.

A multipart form costs a few hundred bytes per crop; here it is a few dozen:

    {"tracks": [[camera, key], …],                                  those of whom anything is said
     "crops": [[id, track, captured_at, bytes, box, frame_size, confidence], …],     images in this order
     "beats": [[track, at], …],                                     still there
     "node": {…}}                                                   figures of the node

where `track` is a place in the list of tracks (from 0), and box, frame_size and confidence are null where unknown.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from edge_client.detector import Box
from edge_client.settings import CodecName

CONTENT_TYPE = "application/x-facesite"
TrackKey = tuple[str, str]  # a camera's id, and the node's name for the track ("": none)


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


def pack(
    crops: Sequence[Crop] = (),
    beats: Mapping[TrackKey, datetime] | None = None,
    node: Mapping[str, object] | None = None,
) -> tuple[list[TrackKey], bytes]:
    """The tracks in the order in which the server answers for them, and the body of a request."""
    beats = beats or {}
    tracks = list(dict.fromkeys([*((crop.camera, crop.track) for crop in crops), *beats]))
    places = {track: place for place, track in enumerate(tracks)}
    content: dict[str, object] = {
        "tracks": tracks,
        "crops": [_row(crop, places[crop.camera, crop.track]) for crop in crops],
        "beats": [[places[track], moment(at)] for track, at in beats.items()],
        "node": node,
    }
    spoken = {name: value for name, value in content.items() if value}
    text = json.dumps(spoken, separators=(",", ":"), ensure_ascii=False)
    return tracks, zlib.compress(text.encode(), 9) + b"".join(crop.image for crop in crops)


def moment(at: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _row(crop: Crop, track: int) -> list[object]:
    box = (
        crop.box
        and crop.frame_size
        and [round(min(max(value, 0), end)) for value, end in zip(crop.box, 2 * crop.frame_size, strict=True)]
    )
    confidence = None if crop.confidence is None else round(crop.confidence, 3)
    # Without its dashes the id is 4 bytes shorter, and no other id.
    name = crop.id.replace("-", "")
    return [name, track, moment(crop.captured_at), len(crop.image), box, crop.frame_size, confidence]

"""The compact form in which edge nodes send: zlib-compressed JSON, and right behind it the images of the crops.

    {"tracks": [[camera, key], …],                                  those of whom anything is said
     "crops": [[id, track, captured_at, bytes, box, frame_size, confidence], …],     images in this order
     "beats": [[track, at], …],                                     still there
     "node": {…}}                                                   figures of the node

where `track` is a place in the list of tracks (from 0), and box, frame_size and confidence are null where unknown.
A multipart form costs a few hundred bytes per crop; this costs a few dozen.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import IO, Self

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser

from detections.api.crops import FiniteFloatField, check
from detections.edge import TrackKey
from detections.ingest import Rejection, Submission

MEDIA_TYPE = "application/x-facesite"
MAX_METADATA_BYTES = 256 * 1024
MAX_TRACKS = 512
MAX_CAMERAS = 256
_LARGEST = 2**53
_COLUMNS = ("id", "track", "captured_at", "bytes", "box", "frame_size", "confidence")


@dataclass(frozen=True)
class Message:
    """Everything one request says; crops that are malformed are told apart, the rest of the request counts."""

    submissions: list[Submission] = field(default_factory=list)
    malformed: list[Rejection] = field(default_factory=list)
    tracks: list[TrackKey] = field(default_factory=list)
    beats: Mapping[TrackKey, datetime] = field(default_factory=dict)
    node: Mapping | None = None

    @classmethod
    def of(cls, checked: Iterable[Submission | Rejection], **rest: object) -> Self:
        """What was checked, sorted."""
        crops = list(checked)
        return cls(
            [one for one in crops if isinstance(one, Submission)],
            [one for one in crops if isinstance(one, Rejection)],
            **rest,
        )


@dataclass(frozen=True)
class Bundle:
    """A request taken apart, not yet checked."""

    metadata: object
    images: bytes = b""


class BundleParser(BaseParser):
    """Decompresses no more than MAX_METADATA_BYTES, whatever the request would grow to."""

    media_type = MEDIA_TYPE

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping | None = None) -> Bundle:
        decompressor = zlib.decompressobj()
        try:
            text = decompressor.decompress(stream.read(), MAX_METADATA_BYTES)
            if not decompressor.eof:
                raise ParseError(f"The metadata is cut off, or longer than {MAX_METADATA_BYTES // 1024} KiB.")
            return Bundle(json.loads(text), decompressor.unused_data)
        except (zlib.error, ValueError, RecursionError) as error:
            raise ParseError("The body must begin with zlib-compressed JSON.") from error


class Row(serializers.Field):
    """A list in JSON with one field for each place; a mapping in Python."""

    default_error_messages = {"shape": "Must be a list of {names}."}

    def __init__(self, fields: Mapping[str, serializers.Field], **options: object) -> None:
        super().__init__(**options)
        self._fields = fields

    def to_internal_value(self, data: object) -> dict:
        if not isinstance(data, list) or len(data) != len(self._fields):
            self.fail("shape", names=", ".join(self._fields))
        return {name: one.run_validation(value) for (name, one), value in zip(self._fields.items(), data, strict=True)}


@extend_schema_field(OpenApiTypes.ANY)
class TrackRow(Row):
    def __init__(self, **options: object) -> None:
        key = serializers.CharField(max_length=64, allow_blank=True, trim_whitespace=False)
        super().__init__({"camera": serializers.CharField(max_length=50), "key": key}, **options)


@extend_schema_field(OpenApiTypes.ANY)
class BeatRow(Row):
    def __init__(self, **options: object) -> None:
        fields = {"track": serializers.IntegerField(min_value=0), "at": serializers.DateTimeField()}
        super().__init__(fields, **options)


class CameraFiguresSerializer(serializers.Serializer):
    """Of one camera. `bytes_saved`: of its video, less what was sent."""

    camera = serializers.CharField(max_length=50)
    frames_per_second = FiniteFloatField(min_value=0, default=0.0)
    faces_per_minute = FiniteFloatField(min_value=0, default=0.0)
    bytes_saved = serializers.IntegerField(min_value=-_LARGEST, max_value=_LARGEST, default=0)
    last_crop_at = serializers.DateTimeField(allow_null=True, default=None)
    error = serializers.CharField(max_length=300, allow_blank=True, default="")


class NodeFiguresSerializer(serializers.Serializer):
    """Counts since the node's start; what is left out is 0 or empty."""

    version = serializers.CharField(max_length=40, allow_blank=True, default="")
    queued = serializers.IntegerField(min_value=0, max_value=_LARGEST, default=0)
    spool_bytes = serializers.IntegerField(min_value=0, max_value=_LARGEST, default=0)
    dropped = serializers.IntegerField(min_value=0, max_value=_LARGEST, default=0)
    rejected = serializers.IntegerField(min_value=0, max_value=_LARGEST, default=0)
    bytes_sent = serializers.IntegerField(min_value=0, max_value=_LARGEST, default=0)
    last_error = serializers.CharField(max_length=300, allow_blank=True, default="")
    clock_offset_s = FiniteFloatField(default=0.0, help_text="How far the server's clock is ahead.")
    cameras = CameraFiguresSerializer(many=True, default=list, max_length=MAX_CAMERAS)


class NewsSerializer(serializers.Serializer):
    """What a node says beside crops."""

    tracks = serializers.ListField(
        child=TrackRow(), max_length=MAX_TRACKS, default=list, help_text="[camera, key] of all that are spoken of."
    )
    beats = serializers.ListField(
        child=BeatRow(),
        max_length=MAX_TRACKS,
        default=list,
        help_text="[track, at]: still there then. The track is a place in `tracks`, from 0.",
    )
    node = NodeFiguresSerializer(required=False)


def read(bundle: Bundle, *, least: int, most: int) -> Message:
    """Check a request that must hold so many crops.

    Raises:
        ValidationError: anything is wrong but a single crop's own description.
    """
    serializer = NewsSerializer(data=bundle.metadata)
    serializer.is_valid(raise_exception=True)
    news = serializer.validated_data
    tracks = [(one["camera"], one["key"]) for one in news["tracks"]]
    if any(beat["track"] >= len(tracks) for beat in news["beats"]):
        raise ValidationError({"beats": "Each must name a place in the list of tracks."})
    beats = {tracks[beat["track"]]: beat["at"] for beat in news["beats"]}
    rows = bundle.metadata.get("crops", [])
    if not isinstance(rows, list) or not least <= len(rows) <= most:
        raise ValidationError({"crops": f"Must be a list of {least} to {most} crops."})
    return Message.of(_crops(rows, tracks, bundle.images), tracks=tracks, beats=beats, node=news.get("node"))


def _crops(rows: list, tracks: Sequence[TrackKey], images: bytes) -> list[Submission | Rejection]:
    if not all(_is_sound(row, len(tracks)) for row in rows):
        raise ValidationError({"crops": f"Each must be a list of {', '.join(_COLUMNS)}; track is a place in tracks."})
    entries = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    ends = list(accumulate(entry["bytes"] for entry in entries))
    if (ends or [0])[-1] != len(images):
        raise ValidationError({"crops": f"The images have {len(images)} bytes together, and not what the crops say."})
    checked = []
    for index, (entry, end) in enumerate(zip(entries, ends, strict=True)):
        image = images[end - entry["bytes"] : end]
        camera, key = tracks[entry["track"]]
        known = {name: value for name, value in entry.items() if value is not None}
        checked.append(check(known | {"camera": camera, "track": key}, index, lambda _, image=image: image))
    return checked


def _is_sound(row: object, tracks: int) -> bool:
    """Whether its image can be told from those of its neighbours."""
    if not isinstance(row, list) or len(row) != len(_COLUMNS):
        return False
    track, size = row[1], row[3]
    return type(track) is type(size) is int and 0 <= track < tracks and size > 0

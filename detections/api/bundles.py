"""What edge nodes say, checked: the compact form (edge_client/bundle.py describes it), or JSON for a heartbeat."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import IO, Self

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ParseError, UnsupportedMediaType, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.response import Response

from detections.api.crops import FiniteFloatField, check
from detections.api.unpacking import MOST, unpack
from detections.edge import TrackKey
from detections.ingest import CLOCK_TOLERANCE, EARLIEST, Rejection, Submission

MEDIA_TYPE = "application/x-facesite"
# A node spends no 38 bytes on each request to name it, and some web servers take what has no name for text.
NAMES = {MEDIA_TYPE, "", "text/plain"}
MAX_CAMERAS = 256
_LARGEST = 2**53


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

    said: object


class BundleParser(BaseParser):
    media_type = "*/*"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping | None = None) -> Bundle:
        if media_type not in NAMES:
            raise UnsupportedMediaType(media_type)
        try:
            return Bundle(unpack(stream.read()))
        except ValueError as error:
            raise ParseError(f"The body is not in the compact form of edge nodes: {error}") from error


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

    def validate_last_crop_at(self, at: datetime | None) -> datetime | None:
        """None for what no clock can have meant, which could not be shown in every time zone."""
        return at if at and EARLIEST <= at <= timezone.now() + CLOCK_TOLERANCE else None


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
        child=TrackRow(), max_length=MOST, default=list, help_text="[camera, key] of all that are spoken of."
    )
    beats = serializers.ListField(
        child=BeatRow(),
        max_length=MOST,
        default=list,
        help_text="[track, at]: still there then. The track is a place in `tracks`, from 0.",
    )
    node = NodeFiguresSerializer(required=False)


def read(bundle: Bundle, *, least: int, most: int) -> Message:
    """Check a request that must hold so many crops.

    Raises:
        ValidationError: anything is wrong but a single crop's own description.
    """
    serializer = NewsSerializer(data=bundle.said)
    serializer.is_valid(raise_exception=True)
    news = serializer.validated_data
    tracks = [(one["camera"], one["key"]) for one in news["tracks"]]
    if any(beat["track"] >= len(tracks) for beat in news["beats"]):
        raise ValidationError({"beats": "Each must name a place in the list of tracks."})
    beats = {tracks[beat["track"]]: beat["at"] for beat in news["beats"]}
    crops = bundle.said.get("crops", [])
    if not isinstance(crops, list) or not least <= len(crops) <= most:
        raise ValidationError({"crops": f"Must be a list of {least} to {most} crops."})
    return Message.of(check(crops, itemgetter("image")), tracks=tracks, beats=beats, node=news.get("node"))


def answer_headers() -> list[OpenApiParameter]:
    """For the API's documentation."""
    words = {
        "Tracks": "To the compact form: the first letter of how each of its tracks stands, in its order.",
        "Settings": "To the compact form, if it had figures of the node: the version of the node's settings.",
    }
    return [
        OpenApiParameter(name, str, OpenApiParameter.HEADER, description=text, response=[204])
        for name, text in words.items()
    ]


def answer(news: Mapping, rejected: Sequence[Mapping] = ()) -> Response:
    """What `edge.hear` said, in headers: a body would cost twice as much."""
    told = {"Tracks": "".join(state[0] for state in news["tracks"]), "Settings": news.get("settings_version")}
    headers = {name: value for name, value in told.items() if value}
    if rejected:
        return Response({"rejected": rejected}, status=202, headers=headers)
    return Response(status=204, headers=headers)

"""One crop as a client describes it, whichever form the request has."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from rest_framework import serializers

from access.problems import by_field
from detections.ingest import Rejection, Submission

FRAME_KEYS = ("box", "frame_size", "confidence")


class FiniteFloatField(serializers.FloatField):
    """Python reads NaN, Infinity and 1e999 from JSON; no database stores them."""

    def to_internal_value(self, data: object) -> float:
        try:
            value = super().to_internal_value(data)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class CropMetadataSerializer(serializers.Serializer):
    """One crop of a submission; its image is the file part named by `id`."""

    id = serializers.UUIDField(help_text="Made by the sender; the same id again is the same crop.")
    camera = serializers.CharField(max_length=50)
    captured_at = serializers.DateTimeField(help_text="When the frame was taken, with its time zone.")
    track = serializers.CharField(max_length=64, required=False, default="", allow_blank=True)
    box = serializers.ListField(
        child=FiniteFloatField(),
        min_length=4,
        max_length=4,
        required=False,
        help_text="x1, y1, x2, y2 in the frame.",
    )
    frame_size = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=100_000), min_length=2, max_length=2, required=False
    )
    confidence = FiniteFloatField(min_value=0, max_value=1, required=False)


def check(
    entries: Sequence[object], image_of: Callable[[Mapping[str, object]], bytes | None]
) -> Iterator[Submission | Rejection]:
    """Each crop of a request, or why it is none. One without a sound id is called by its place, from 0."""
    # One for all: to make its fields takes several times as long as to check with them.
    serializer = CropMetadataSerializer()
    for index, entry in enumerate(entries):
        try:
            fields = serializer.run_validation(entry)
        except serializers.ValidationError as error:
            errors = serializers.as_serializer_error(error)
            has_id = isinstance(entry, Mapping) and "id" not in errors
            yield Rejection(str(entry["id"] if has_id else index), "invalid", _in_words(errors))
            continue
        image = image_of(entry)
        if image is None:
            yield Rejection(str(entry["id"]), "no-image", "The request has no file part named by this crop's id.")
            continue
        yield Submission(
            id=fields["id"],
            camera=fields["camera"],
            captured_at=fields["captured_at"],
            image=image,
            track=fields["track"],
            metadata={key: fields[key] for key in FRAME_KEYS if key in fields},
        )


def _in_words(errors: dict) -> str:
    return "; ".join(f"{name}: {' '.join(texts)}" for name, texts in by_field(errors).items())[:300]

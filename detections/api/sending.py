"""`store-results`, `send-results` and `dry-run`: crops in, a 202 out."""

import json
import math

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from access.problems import Problem, ProblemSerializer, by_field
from access.roles import Capability
from detections import ingest
from detections.ingest import Receipt, Rejection, Submission

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


class SubmissionMetadataSerializer(serializers.Serializer):
    crops = CropMetadataSerializer(many=True)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "One crop",
            request_only=True,
            media_type="multipart/form-data",
            value={
                "metadata": {
                    "crops": [
                        {
                            "id": "0f2c4b9e-5d0a-4f43-9a55-8e1f7c1b2a3d",
                            "camera": "entrance",
                            "captured_at": "2026-11-23T08:15:30.250Z",
                            "track": "entrance-17",
                            "box": [412, 96, 498, 205],
                            "frame_size": [1920, 1080],
                            "confidence": 0.998,
                        }
                    ]
                }
            },
        )
    ]
)
class SubmissionSerializer(serializers.Serializer):
    """What `store-results`, `send-results` and `dry-run` take. Each crop's image is a further part, named by its id."""

    metadata = SubmissionMetadataSerializer(help_text="As JSON text.")


class RejectionSerializer(serializers.Serializer):
    id = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "One accepted, one rejected",
            status_codes=["202"],
            value={
                "job": "c0a8017e-9b1d-4f6a-8d77-6c2f5e0b9a10",
                "job_url": "http://127.0.0.1:8000/api/v1/jobs/c0a8017e-9b1d-4f6a-8d77-6c2f5e0b9a10",
                "accepted": ["0f2c4b9e-5d0a-4f43-9a55-8e1f7c1b2a3d"],
                "rejected": [
                    {
                        "id": "6a0e7c52-54a3-4be7-a9f4-0e9c1c0c7d21",
                        "code": "future",
                        "detail": "captured_at lies 3600 s in the future. Set the sender's clock.",
                    }
                ],
            },
        )
    ]
)
class ReceiptSerializer(serializers.Serializer):
    """Crops in `accepted` are committed and will be recognised; sending those in `rejected` again will not help."""

    job = serializers.UUIDField(allow_null=True)
    job_url = serializers.CharField(allow_null=True)
    accepted = serializers.ListField(child=serializers.UUIDField())
    rejected = RejectionSerializer(many=True)


def _documented(summary: str) -> object:
    return extend_schema(
        tags=["face-recognition"],
        summary=summary,
        request={"multipart/form-data": SubmissionSerializer},
        responses={
            202: ReceiptSerializer,
            400: OpenApiResponse(ProblemSerializer, "Nothing was accepted."),
            413: ProblemSerializer,
            503: OpenApiResponse(ProblemSerializer, "The inbox is full; `Retry-After` says when to come back."),
        },
    )


class StoreResults(APIView):
    capability = Capability.SUBMIT
    parser_classes = (MultiPartParser,)
    deliver = False

    @_documented("Store crops as detections")
    def post(self, request: Request) -> Response:
        submissions, malformed = _read(request)
        try:
            receipt = ingest.accept(submissions, request.user, deliver=self.deliver)
        except ingest.InboxFullError as error:
            detail = "Too many crops are waiting to be recognised. Keep yours and send them later."
            raise Problem(503, "inbox-full", "Inbox full", detail, retry_after=10) from error
        return _answer(request, receipt, malformed)


class SendResults(StoreResults):
    deliver = True
    post = _documented("Store crops as detections and post the results to the external servers")(StoreResults.post)


class DryRun(APIView):
    capability = Capability.SUBMIT
    parser_classes = (MultiPartParser,)

    @_documented("Accept crops and discard them: for measuring links")
    def post(self, request: Request) -> Response:
        submissions, malformed = _read(request)
        return _answer(request, Receipt(None, [one.id for one in submissions], []), malformed)


def _read(request: Request) -> tuple[list[Submission], list[Rejection]]:
    """The crops of a request, and those that are malformed; only a request without readable metadata fails whole."""
    entries = _entries(request.data.get("metadata"))
    files = request.FILES
    submissions, malformed = [], []
    for index, entry in enumerate(entries):
        serializer = CropMetadataSerializer(data=entry)
        is_valid = serializer.is_valid()
        # A crop whose id is no id is called by its place in the list.
        name = str(index) if not isinstance(entry, dict) or "id" in serializer.errors else str(entry["id"])
        if not is_valid:
            malformed.append(Rejection(name, "invalid", _in_words(serializer.errors)))
        elif name not in files:
            malformed.append(Rejection(name, "no-image", "The request has no file part named by this crop's id."))
        else:
            submissions.append(_submission(serializer.validated_data, files[name]))
    return submissions, malformed


def _entries(metadata: object) -> list:
    if isinstance(metadata, UploadedFile):
        metadata = metadata.read()
    try:
        entries = json.loads(metadata or "")["crops"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValidationError({"metadata": 'Must be JSON text like {"crops": [{"id": …}]}.'}) from error
    limit = settings.MAX_CROPS_PER_REQUEST
    if not isinstance(entries, list) or not 1 <= len(entries) <= limit:
        raise ValidationError({"metadata.crops": f"Must be a list of 1 to {limit} crops."})
    return entries


def _submission(fields: dict, file: UploadedFile) -> Submission:
    return Submission(
        id=fields["id"],
        camera=fields["camera"],
        captured_at=fields["captured_at"],
        image=file.read(),
        track=fields["track"],
        metadata={key: fields[key] for key in FRAME_KEYS if key in fields},
    )


def _in_words(errors: dict) -> str:
    return "; ".join(f"{name}: {' '.join(texts)}" for name, texts in by_field(errors).items())[:300]


def _answer(request: Request, receipt: Receipt, malformed: list[Rejection]) -> Response:
    rejected = [vars(one) for one in [*malformed, *receipt.rejected]]
    if not receipt.accepted:
        detail = f"No crop was accepted. The first was refused because: {rejected[0]['detail']}"
        raise Problem(400, "nothing-accepted", "Nothing accepted", detail, rejected=rejected)
    job = receipt.job
    body = {
        "job": job.pk if job else None,
        "job_url": reverse("job", args=[job.pk], request=request) if job else None,
        "accepted": receipt.accepted,
        "rejected": rejected,
    }
    return Response(ReceiptSerializer(body).data, status=202)

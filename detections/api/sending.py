"""`store-results`, `send-results` and `dry-run`: crops in, a 202 out."""

import json
from collections.abc import Mapping
from dataclasses import replace

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from access.problems import Problem, ProblemSerializer
from access.roles import Capability
from access.throttling import charge_crops
from detections import edge, ingest
from detections.api import bundles
from detections.api.bundles import MEDIA_TYPE, Bundle, BundleParser, Message
from detections.api.crops import CropMetadataSerializer, check
from detections.ingest import Receipt
from detections.models import Camera


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


class BundleReceiptSerializer(serializers.Serializer):
    """The answer to the compact form: all crops are committed but these. Without any it is a 204."""

    rejected = RejectionSerializer(many=True)


def _documented(summary: str) -> object:
    return extend_schema(
        tags=["face-recognition"],
        summary=summary,
        request={"multipart/form-data": SubmissionSerializer, MEDIA_TYPE: OpenApiTypes.BINARY},
        parameters=bundles.answer_headers(),
        responses={
            202: PolymorphicProxySerializer(
                "Accepted", [ReceiptSerializer, BundleReceiptSerializer], resource_type_field_name=None
            ),
            204: OpenApiResponse(description="To the compact form: all is accepted."),
            400: OpenApiResponse(ProblemSerializer, "Nothing was accepted."),
            413: ProblemSerializer,
            422: OpenApiResponse(ProblemSerializer, "All ids were used before, for other images."),
            429: OpenApiResponse(ProblemSerializer, "The sender exceeds its rate. See `Retry-After`."),
            503: OpenApiResponse(
                ProblemSerializer, "The inbox is full, or the database out of reach. See `Retry-After`."
            ),
            507: OpenApiResponse(ProblemSerializer, "The server's disk is full. See `Retry-After`."),
        },
    )


class StoreResults(APIView):
    capability = Capability.SUBMIT
    parser_classes = (MultiPartParser, BundleParser)
    deliver = False

    @_documented("Store crops as detections")
    def post(self, request: Request) -> Response:
        try:
            ingest.check_room()
        except ingest.InboxFullError as error:
            detail = "Too many crops are waiting to be recognised. Keep yours and send them later."
            raise Problem(503, "inbox-full", "Inbox full", detail, retry_after=10) from error
        message = _read(request)
        charge_crops(request.user, len(message.submissions))
        cameras = ingest.cameras_of(request.user).in_bulk()
        receipt = ingest.accept(message.submissions, cameras, deliver=self.deliver)
        return _answer(request, cameras, receipt, message)


class SendResults(StoreResults):
    deliver = True
    post = _documented("Store crops as detections and post the results to the external servers")(StoreResults.post)


class DryRun(APIView):
    capability = Capability.SUBMIT
    parser_classes = (MultiPartParser, BundleParser)

    @_documented("Accept crops and discard them: for measuring links")
    def post(self, request: Request) -> Response:
        message = replace(_read(request), beats={}, node=None)
        cameras = ingest.cameras_of(request.user).in_bulk()
        return _answer(request, cameras, Receipt(None, [one.id for one in message.submissions], []), message)


def _read(request: Request) -> Message:
    """The crops of a request, and those that are malformed; only a request without readable metadata fails whole."""
    if isinstance(request.data, Bundle):
        return bundles.read(request.data, least=1, most=settings.MAX_CROPS_PER_REQUEST)

    def image_of(entry: Mapping[str, object]) -> bytes | None:
        file = request.FILES.get(str(entry["id"]))
        return None if file is None else file.read()

    return Message.of(check(_entries(request.data.get("metadata")), image_of))


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


def _answer(request: Request, cameras: Mapping[str, Camera], receipt: Receipt, message: Message) -> Response:
    rejected = [vars(one) for one in [*message.malformed, *receipt.rejected]]
    if not receipt.accepted:
        detail = f"No crop was accepted. The first was refused because: {rejected[0]['detail']}"
        status = 422 if {one["code"] for one in rejected} == {"id-reused"} else 400
        raise Problem(status, "nothing-accepted", "Nothing accepted", detail, rejected=rejected)
    if isinstance(request.data, Bundle):
        news = edge.hear(request.user, cameras, message.tracks, message.beats, message.node)
        return bundles.answer(news, rejected)
    job = receipt.job
    body = {
        "job": job.pk if job else None,
        "job_url": reverse("job", args=[job.pk], request=request) if job else None,
        "accepted": receipt.accepted,
        "rejected": rejected,
    }
    return Response(ReceiptSerializer(body).data, status=202)

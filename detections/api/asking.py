"""`get-results` and the last-known locations: questions answered at once."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework import generics, serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.pagination import Pages
from access.problems import Problem, ProblemSerializer, problem_response
from access.roles import Capability
from detections import searching
from detections.identification import batcher, identify
from detections.models import Search
from detections.serializers import LastKnownSerializer
from people.api import find_person
from people.models import Person
from recognition.batching import BusyError
from recognition.engine.errors import ImageError

RETRY_AFTER_S = 1
# Of a person, for `_last_known`. There may be thousands, and to make models, UUIDs among them, and to serialize them
# takes far longer than the database.
KNOWN = (
    "face_id",
    *(f"last_seen__{name}" for name in ("camera__location__name", "camera", "captured_at", "probability")),
    Cast("last_seen__detection", TextField()),
)


class ImageSerializer(serializers.Serializer):
    image = serializers.FileField(help_text="JPEG, PNG, WebP or AVIF.", allow_empty_file=True)


class IdentifiedFaceSerializer(serializers.Serializer):
    face_id = serializers.CharField(allow_null=True, help_text="Null: unknown.")
    probability = serializers.FloatField(help_text="That the face is this person's.")
    score = serializers.FloatField()
    confidence = serializers.FloatField(help_text="That this is a face.")
    box = serializers.ListField(child=serializers.FloatField(), help_text="x1, y1, x2, y2 in pixels.")
    landmarks = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A known face and an unknown one",
            value={
                "width": 640,
                "height": 480,
                "model": 3,
                "faces": [
                    {
                        "face_id": "Ada Lovelace",
                        "probability": 0.97,
                        "score": 0.55,
                        "confidence": 0.999,
                        "box": [212.4, 96.1, 298.0, 205.7],
                        "landmarks": [[235.1, 138.2], [274.9, 137.0], [255.6, 160.4], [238.8, 181.9], [272.3, 181.0]],
                    },
                    {
                        "face_id": None,
                        "probability": 0.08,
                        "score": 0.21,
                        "confidence": 0.993,
                        "box": [402.0, 110.3, 470.2, 197.5],
                        "landmarks": [[420.0, 144.0], [452.0, 143.5], [436.2, 162.0], [423.1, 178.4], [449.9, 178.0]],
                    },
                ],
            },
        )
    ]
)
class IdentificationSerializer(serializers.Serializer):
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    model = serializers.IntegerField(allow_null=True, help_text="Null: no model is trained yet, everyone is unknown.")
    faces = IdentifiedFaceSerializer(many=True)


class GetResults(APIView):
    capability = Capability.IDENTIFY
    parser_classes = (MultiPartParser,)

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        """Turn the request away before anything is done for it if there are too many."""
        try:
            with batcher.place():
                return super().dispatch(request, *args, **kwargs)
        except BusyError as error:
            return problem_response(503, "busy", "Busy", str(error), retry_after=RETRY_AFTER_S)

    @extend_schema(
        tags=["face-recognition"],
        summary="Who is in this image",
        request={"multipart/form-data": ImageSerializer},
        responses={
            200: IdentificationSerializer,
            422: OpenApiResponse(ProblemSerializer, "Not a readable image."),
            503: OpenApiResponse(ProblemSerializer, "Too many images are waiting. See `Retry-After`."),
        },
    )
    def post(self, request: Request) -> Response:
        upload = ImageSerializer(data=request.data)
        upload.is_valid(raise_exception=True)
        file = upload.validated_data["image"]
        if file.size > settings.MAX_IMAGE_BYTES:
            detail = f"The image is larger than {settings.MAX_IMAGE_BYTES // 2**20} MiB."
            raise Problem(413, "too-large", "Image too large", detail)
        try:
            result = identify(file.read())
        except ImageError as error:
            raise Problem(422, "unreadable-image", "Unreadable image", str(error)) from error
        named = {one.identity.label for one in result.faces if one.face_id}
        searching.note(request.user, Search.Means.GET_RESULTS, named, len(result.faces))
        faces = [
            {
                "face_id": one.face_id,
                "probability": one.identity.probability,
                "score": one.identity.score,
                "confidence": one.found.face.confidence,
                "box": one.found.face.box,
                "landmarks": one.found.face.landmarks,
            }
            for one in result.faces
        ]
        return Response({"width": result.width, "height": result.height, "model": result.model_id, "faces": faces})


class LastKnown(generics.GenericAPIView):
    capability = Capability.READ
    serializer_class = LastKnownSerializer

    def get_queryset(self) -> QuerySet[Person]:
        return Person.objects.order_by("face_id")


class Everyone(Pages):
    """A few dozen bytes each: a wall of screens may ask for all at once."""

    max_page_size = 10_000


@extend_schema(tags=["database"], summary="People with their last-known locations, on request 10,000 on a page")
class DatabasePeople(generics.ListAPIView, LastKnown):
    pagination_class = Everyone

    def get(self, request: Request) -> Response:
        searching.note(request.user, Search.Means.DATABASE_PEOPLE)
        return super().get(request)

    def list(self, request: Request) -> Response:
        people = self.paginate_queryset(self.get_queryset().values_list(*KNOWN))
        return self.get_paginated_response([_last_known(*row) for row in people])


@extend_schema(tags=["database"], summary="Where a person was last seen")
class LastKnownLocation(LastKnown):
    def get(self, request: Request, face_id: str) -> Response:
        pk, *row = find_person(face_id, among=self.get_queryset().values_list("pk", *KNOWN))
        searching.note(request.user, Search.Means.LAST_KNOWN_LOCATION, [pk])
        return Response(_last_known(*row))


def _last_known(
    face_id: str, location: str, camera: str, captured_at: datetime | None, probability: float, detection: str | None
) -> dict:
    """As LastKnownSerializer describes it."""
    seen = captured_at and {
        "location": location,
        "camera": camera,
        "captured_at": captured_at,
        "probability": probability,
        # SQLite knows no UUIDs.
        "detection": str(UUID(detection)) if detection and "-" not in detection else detection,
    }
    return {"face_id": face_id, "last_seen": seen}

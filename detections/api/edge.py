"""What an edge node asks and tells apart from crops."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.roles import Capability
from detections import edge
from detections.api import bundles
from detections.api.bundles import MEDIA_TYPE, Bundle, BundleParser, NewsSerializer, answer_headers
from detections.ingest import cameras_of


class NodeCameraSerializer(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    location = serializers.CharField()
    is_active = serializers.BooleanField()
    video_source = serializers.CharField(help_text="Empty: the node knows it.")
    settings = serializers.DictField(help_text="Only those that are set; the node decides the others.")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A node with one camera",
            value={
                "name": "North gate",
                "settings_version": "4c1b4f0e7a92",
                "cameras": [
                    {
                        "id": "entrance",
                        "name": "Entrance, inside",
                        "location": "Main entrance",
                        "is_active": True,
                        "video_source": "rtsp://camera.local/stream",
                        "settings": {"target_fps": 6.0, "min_size": 40.0, "detector": "mtcnn", "codec": "webp"},
                    }
                ],
            },
        )
    ]
)
class EdgeNodeSerializer(serializers.Serializer):
    name = serializers.CharField()
    settings_version = serializers.CharField(help_text="Another one: something below has changed.")
    cameras = NodeCameraSerializer(many=True)


class HeartbeatAnswerSerializer(serializers.Serializer):
    """How each of the request's tracks stands; "refused": its camera is not the node's. To the compact form the answer
    has no body, but headers.
    """

    tracks = serializers.ListField(child=serializers.ChoiceField(edge.STATES))
    settings_version = serializers.CharField(required=False, help_text="If the request had figures of the node.")


class Node(APIView):
    capability = Capability.SUBMIT

    @extend_schema(
        tags=["edge"], summary="The node of this key, its cameras and their settings", responses=EdgeNodeSerializer
    )
    def get(self, request: Request) -> Response:
        node = edge.node_of(request.user)
        if node is None:
            raise NotFound("This key belongs to no edge node. Ask an administrator for a key issued for your node.")
        return Response(EdgeNodeSerializer(edge.describe(node)).data)


class Heartbeat(APIView):
    capability = Capability.SUBMIT
    parser_classes = (JSONParser, BundleParser)

    @extend_schema(
        tags=["edge"],
        summary="A node is there, and so are these people",
        request={"application/json": NewsSerializer, MEDIA_TYPE: OpenApiTypes.BINARY},
        parameters=answer_headers(),
        responses={200: HeartbeatAnswerSerializer, 204: OpenApiResponse(description="To the compact form.")},
    )
    def post(self, request: Request) -> Response:
        is_compact = isinstance(request.data, Bundle)
        message = bundles.read(request.data if is_compact else Bundle(request.data), least=0, most=0)
        cameras = cameras_of(request.user).in_bulk()
        news = edge.hear(request.user, cameras, message.tracks, message.beats, message.node)
        return bundles.answer(news) if is_compact else Response(news)

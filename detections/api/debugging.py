"""Which replica answered."""

import socket

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.roles import Capability


@extend_schema_serializer(examples=[OpenApiExample("A replica", value={"node_name": "web-7d9f"})])
class NodeSerializer(serializers.Serializer):
    node_name = serializers.CharField()


@extend_schema_serializer(examples=[OpenApiExample("A replica", value={"ip": "10.0.3.17"})])
class AddressSerializer(serializers.Serializer):
    ip = serializers.CharField()


class DebugIp(APIView):
    capability = Capability.READ

    @extend_schema(tags=["debug"], summary="Address of the replica that answered", responses=AddressSerializer)
    def get(self, request: Request) -> Response:
        try:
            address = socket.gethostbyname(socket.gethostname())
        except OSError:
            address = "127.0.0.1"
        return Response({"ip": address})


class DebugNodeName(APIView):
    capability = Capability.READ

    @extend_schema(tags=["debug"], summary="Name of the replica that answered", responses=NodeSerializer)
    def get(self, request: Request) -> Response:
        return Response({"node_name": settings.NODE_NAME})

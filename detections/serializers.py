from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from detections.models import Camera, Detection, LastSeen, Location, Track
from people.models import Person


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A place",
            value={
                "id": 1,
                "name": "Main entrance",
                "description": "Revolving door",
                "latitude": 49.195,
                "longitude": 16.608,
            },
        )
    ]
)
class LocationSerializer(serializers.ModelSerializer):
    class Meta:
        model = Location
        fields = ("id", "name", "description", "latitude", "longitude")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A camera",
            value={"id": "entrance", "name": "Entrance, inside", "location": "Main entrance", "is_active": True},
        )
    ]
)
class CameraSerializer(serializers.ModelSerializer):
    location = serializers.CharField(source="location.name", read_only=True)

    class Meta:
        model = Camera
        fields = ("id", "name", "location", "is_active")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A known face",
            value={
                "id": "1b671a64-40d5-491e-99b0-da01ff1f3341",
                "face_id": "Ada Lovelace",
                "probability": 0.97,
                "confidence": 0.999,
                "camera": "entrance",
                "location": "Main entrance",
                "track": 17,
                "crop": "0f2c4b9e-5d0a-4f43-9a55-8e1f7c1b2a3d",
                "box": [31.2, 28.4, 112.9, 131.0],
                "frame_box": [412, 96, 498, 205],
                "model": 3,
                "captured_at": "2026-11-23T08:15:30.250Z",
                "recorded_at": "2026-11-23T08:15:31.020Z",
            },
        )
    ]
)
class DetectionSerializer(serializers.ModelSerializer):
    face_id = serializers.CharField(source="person.face_id", default=None, help_text="Null: unknown.")
    location = serializers.CharField(source="camera.location.name", read_only=True)
    crop = serializers.UUIDField(source="crop_id")

    class Meta:
        model = Detection
        fields = (
            "id", "face_id", "probability", "confidence", "camera", "location", "track", "crop", "box", "frame_box",
            "model", "captured_at", "recorded_at",
        )  # fmt: skip


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A passage",
            value={
                "id": 17,
                "key": "5c4f45b20ef14067aeb2b7a8f69faf9d",
                "face_id": "Ada Lovelace",
                "probability": 0.97,
                "camera": "entrance",
                "location": "Main entrance",
                "detection_count": 3,
                "captured_at": "2026-11-23T08:15:28.100Z",
                "ended_at": "2026-11-23T08:15:33.700Z",
            },
        )
    ]
)
class TrackSerializer(serializers.ModelSerializer):
    face_id = serializers.CharField(source="person.face_id", default=None, help_text="Null: unknown.")
    location = serializers.CharField(source="camera.location.name", read_only=True)

    class Meta:
        model = Track
        fields = (
            "id", "key", "face_id", "probability", "camera", "location", "detection_count", "captured_at", "ended_at",
        )  # fmt: skip


class SightingSerializer(serializers.ModelSerializer):
    """Where and when, by which camera, and how sure."""

    location = serializers.CharField(source="camera.location.name", read_only=True)

    class Meta:
        model = LastSeen
        fields = ("location", "camera", "captured_at", "probability", "detection")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Seen this morning",
            value={
                "face_id": "Ada Lovelace",
                "last_seen": {
                    "location": "Main entrance",
                    "camera": "entrance",
                    "captured_at": "2026-11-23T08:15:30.250Z",
                    "probability": 0.97,
                    "detection": "1b671a64-40d5-491e-99b0-da01ff1f3341",
                },
            },
        )
    ]
)
class LastKnownSerializer(serializers.ModelSerializer):
    last_seen = SightingSerializer(allow_null=True, default=None, help_text="Null: never seen.")

    class Meta:
        model = Person
        fields = ("face_id", "last_seen")

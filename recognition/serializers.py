from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from recognition.models import ActiveModel, Job, TrainedModel


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Half way through",
            value={
                "id": "c0a8017e-9b1d-4f6a-8d77-6c2f5e0b9a10",
                "kind": "train",
                "state": "running",
                "progress": 0.5,
                "total": 120,
                "done": 60,
                "failed": 0,
                "message": "Embedded 60 of 120 photos, 0 of them unusable now.",
                "model": None,
                "created_at": "2026-11-23T08:00:00Z",
                "started_at": "2026-11-23T08:00:01Z",
                "finished_at": None,
            },
        )
    ]
)
class JobSerializer(serializers.ModelSerializer):
    progress = serializers.FloatField(read_only=True, min_value=0, max_value=1, help_text="Share that is finished.")
    kind = serializers.CharField(read_only=True)
    state = serializers.CharField(read_only=True, help_text="queued, running, succeeded or failed.")

    class Meta:
        model = Job
        fields = (
            "id", "kind", "state", "progress", "total", "done", "failed", "message", "model",
            "created_at", "started_at", "finished_at",
        )  # fmt: skip


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Accepted",
            status_codes=["202"],
            value={
                "job": "c0a8017e-9b1d-4f6a-8d77-6c2f5e0b9a10",
                "job_url": "http://127.0.0.1:8000/api/v1/jobs/c0a8017e-9b1d-4f6a-8d77-6c2f5e0b9a10",
            },
        )
    ]
)
class AcceptedJobSerializer(serializers.Serializer):
    """The body of a 202: which job to follow, and where."""

    job = serializers.UUIDField()
    job_url = serializers.CharField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "The model in service",
            value={
                "id": 3,
                "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "pack_id": "dlib-resnet@51c3fd76",
                "classifier": "gallery",
                "threshold": 0.597,
                "false_alarm_rate": 0.001,
                "expected_miss_rate": 0.06,
                "people_count": 24,
                "vector_count": 120,
                "size": 14208,
                "created_at": "2026-11-23T08:00:03Z",
                "retired_at": None,
                "retired_because": "",
                "in_service": True,
            },
        )
    ]
)
class TrainedModelSerializer(serializers.ModelSerializer):
    in_service = serializers.SerializerMethodField()

    class Meta:
        model = TrainedModel
        fields = (
            "id", "sha256", "pack_id", "classifier", "threshold", "false_alarm_rate", "expected_miss_rate",
            "people_count", "vector_count", "size", "created_at", "retired_at", "retired_because", "in_service",
        )  # fmt: skip

    @extend_schema_field(bool)
    def get_in_service(self, trained: TrainedModel) -> bool:
        return ActiveModel.objects.filter(model=trained).exists()

from django.core.exceptions import ValidationError
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from people.models import Person, PersonGroup, Photo

PHOTO = {
    "id": "7f7e0c0e-3c5a-4e57-8d0e-2f4a7f0a3c11",
    "accepted": True,
    "explanation": "Accepted.",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "face_px": 142.5,
    "sharpness": 388.1,
    "brightness": 0.47,
    "frontality": 0.93,
    "confidence": 0.9998,
    "created_at": "2026-11-01T09:31:00Z",
}


def _group_field() -> serializers.SlugRelatedField:
    return serializers.SlugRelatedField(
        slug_field="name", queryset=PersonGroup.objects.all(), allow_null=True, required=False, help_text="Its name."
    )


@extend_schema_serializer(examples=[OpenApiExample("A face id", value={"face_id": "Ada Lovelace", "photo_count": 5})])
class FaceSerializer(serializers.ModelSerializer):
    """A face id with the number of photos that train it."""

    photo_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = Person
        fields = ("face_id", "photo_count")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Consent for a year",
            value={
                "legal_basis": "consent",
                "legal_basis_date": "2026-11-01",
                "legal_basis_expires": "2027-10-31",
                "group": "Laboratory",
            },
        )
    ]
)
class LegalBasisSerializer(serializers.ModelSerializer):
    """Why this person's face may be held: required before the first photo. And the group, if any, that they are in."""

    group = _group_field()

    class Meta:
        model = Person
        fields = ("legal_basis", "legal_basis_date", "legal_basis_expires", "group")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A person",
            value={
                "face_id": "Ada Lovelace",
                "legal_basis": "consent",
                "legal_basis_date": "2026-11-01",
                "legal_basis_expires": "2027-10-31",
                "group": "Laboratory",
                "created_at": "2026-11-01T09:30:00Z",
                "photo_count": 5,
            },
        )
    ]
)
class PersonSerializer(serializers.ModelSerializer):
    photo_count = serializers.IntegerField(read_only=True, default=0)
    group = _group_field()

    class Meta:
        model = Person
        fields = (
            "face_id", "legal_basis", "legal_basis_date", "legal_basis_expires", "group", "created_at", "photo_count",
        )  # fmt: skip


class PhotoUploadSerializer(serializers.Serializer):
    image = serializers.FileField(help_text="JPEG, PNG, WebP or AVIF with one face.")


@extend_schema_serializer(examples=[OpenApiExample("An accepted photo", value=PHOTO)])
class PhotoSerializer(serializers.ModelSerializer):
    accepted = serializers.BooleanField(source="is_accepted", read_only=True)

    class Meta:
        model = Photo
        fields = (
            "id", "accepted", "explanation", "sha256", "face_px", "sharpness", "brightness", "frontality", "confidence",
            "created_at",
        )  # fmt: skip


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Two faces",
            status_codes=["422"],
            value={
                "type": "photo-refused",
                "title": "Several faces",
                "detail": "2 faces were found. Use a photo of this person alone, or cut it.",
                "refusal": "several-faces",
                "photo": PHOTO | {"accepted": False, "explanation": "2 faces were found. …"},
            },
        )
    ]
)
class RefusedPhotoSerializer(serializers.Serializer):
    """A refused photo, in the shape of every error, with the verdict beside it."""

    type = serializers.CharField()
    title = serializers.CharField()
    detail = serializers.CharField()
    refusal = serializers.ChoiceField(choices=Photo.Refusal)
    photo = PhotoSerializer()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "What went",
            value={"erased": {"person": 1, "photo": 5, "embedding": 5, "detection": 42, "files": 5, "models": 3}},
        )
    ]
)
class ErasureSerializer(serializers.Serializer):
    erased = serializers.DictField(child=serializers.IntegerField(), help_text="How many of what were removed.")


def check(person: Person) -> None:
    """Let the model judge its fields together.

    Raises:
        serializers.ValidationError: its complaints, by field.
    """
    try:
        person.full_clean(validate_unique=False)
    except ValidationError as error:
        raise serializers.ValidationError(error.message_dict) from error

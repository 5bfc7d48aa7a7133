"""People, why we may hold their faces, their photos and the vectors made from them."""

import unicodedata
import uuid
from datetime import date
from typing import Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone


def today() -> date:
    """By which a legal basis holds or not: that of the installation, wherever the browser of whoever looks is."""
    return timezone.localdate(timezone=timezone.get_default_timezone())


def validate_face_id(value: str) -> None:
    """Any text of one line that can stand in a URL: spaces, accents and punctuation are welcome."""
    if value != value.strip():
        raise ValidationError("A face id must not begin or end with a space.", code="face_id")
    if any(unicodedata.category(letter).startswith(("C", "Zl", "Zp")) for letter in value):
        raise ValidationError("A face id must not contain control or invisible characters.", code="face_id")
    if "/" in value or "\\" in value or value in {".", ".."}:
        raise ValidationError("A face id must not contain / or \\ and must not be . or .. alone.", code="face_id")


def one_spelling(face_id: str) -> str:
    """The face id as it is stored, however the keyboard composed its accents."""
    return unicodedata.normalize("NFC", face_id)


class PersonQuerySet(models.QuerySet):
    def named(self, face_id: str) -> Self:
        """The person of this face id, in whatever spelling; nobody if no face id can look like this."""
        return self.none() if "\0" in face_id else self.filter(face_id=one_spelling(face_id))

    def lawful(self) -> Self:
        """People whose legal basis has not expired: only they are trained and named."""
        day = today()
        return self.filter(Q(legal_basis_expires=None) | Q(legal_basis_expires__gte=day), legal_basis_date__lte=day)

    def unlawful(self) -> Self:
        """The others."""
        day = today()
        return self.filter(Q(legal_basis_expires__lt=day) | Q(legal_basis_date__gt=day))

    def with_photo_counts(self) -> Self:
        accepted = Photo.objects.filter(person=OuterRef("pk"), refusal="").order_by()
        count = accepted.values("person").annotate(n=Count("pk")).values("n")
        return self.annotate(photo_count=Coalesce(Subquery(count), 0))


class PersonGroup(models.Model):
    """People who belong together: a department, visitors, a shift."""

    name = models.CharField(max_length=100, unique=True)

    class Meta:
        verbose_name = "group"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Person(models.Model):
    """Somebody who is enrolled. The primary key is the opaque label that models are trained with."""

    class LegalBasis(models.TextChoices):
        CONSENT = "consent", "Consent"
        CONTRACT = "contract", "Contract"
        LEGAL_OBLIGATION = "legal-obligation", "Legal obligation"
        VITAL_INTERESTS = "vital-interests", "Vital interests"
        PUBLIC_TASK = "public-task", "Public task"
        LEGITIMATE_INTERESTS = "legitimate-interests", "Legitimate interests"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    face_id = models.CharField(
        "face id",
        max_length=100,
        unique=True,
        validators=[validate_face_id],
        help_text="A name or number; 1–100 characters.",
    )
    legal_basis = models.CharField(max_length=30, choices=LegalBasis, help_text="Why we may hold this person's face.")
    legal_basis_date = models.DateField("since", help_text="The date of the consent, contract or decision.")
    legal_basis_expires = models.DateField(
        "until", null=True, blank=True, help_text="After this day the person is no longer recognised. Empty: no end."
    )
    group = models.ForeignKey(PersonGroup, null=True, blank=True, on_delete=models.SET_NULL, related_name="people")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "people"
        ordering = ("face_id",)

    def __str__(self) -> str:
        return self.face_id

    def clean_fields(self, exclude: set[str] | None = None) -> None:
        self.face_id = one_spelling(self.face_id)
        super().clean_fields(exclude)

    def clean(self) -> None:
        since, until = self.legal_basis_date, self.legal_basis_expires
        if since and until and until < since:
            raise ValidationError({"legal_basis_expires": "The legal basis would end before it begins."})
        if since and since > today():
            raise ValidationError({"legal_basis_date": "The legal basis must not begin in the future."})

    @property
    def label(self) -> str:
        return str(self.pk)

    @property
    def is_lawful(self) -> bool:
        day = today()
        return self.legal_basis_date <= day and (self.legal_basis_expires is None or day <= self.legal_basis_expires)


class Photo(models.Model):
    """A photo offered for enrolment, with its verdict. Refused ones keep the reason but not the image."""

    class Refusal(models.TextChoices):
        UNREADABLE = "unreadable", "Not a readable image"
        NO_FACE = "no-face", "No face found"
        SEVERAL_FACES = "several-faces", "Several faces"
        TOO_SMALL = "too-small", "Face too small"
        TOO_BLURRED = "too-blurred", "Face too blurred"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="photos")
    file = models.FileField(blank=True, editable=False)
    sha256 = models.CharField("SHA-256", max_length=64, editable=False)
    refusal = models.CharField(max_length=20, choices=Refusal, blank=True, editable=False)
    explanation = models.CharField("verdict", max_length=300, editable=False)
    face_px = models.FloatField("face size, pixels", null=True, editable=False)
    sharpness = models.FloatField(null=True, editable=False)
    brightness = models.FloatField(null=True, editable=False)
    frontality = models.FloatField(null=True, editable=False)
    confidence = models.FloatField("detector confidence", null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL
    )

    class Meta:
        ordering = ("created_at",)
        constraints = (models.UniqueConstraint(fields=("person", "sha256"), name="photo_once_per_person"),)

    def __str__(self) -> str:
        return f"photo {self.pk}"

    @property
    def is_accepted(self) -> bool:
        return not self.refusal

    @classmethod
    def first_of(cls, person: str) -> models.Subquery:
        """The accepted photo that stands for the person in that column."""
        accepted = cls.objects.filter(person=OuterRef(person), refusal="").order_by("created_at")
        return Subquery(accepted.values("pk")[:1])


class Embedding(models.Model):
    """The unit vector of an accepted photo's face, float32 little-endian. Vectors of different packs never mix."""

    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, related_name="embeddings")
    pack_id = models.CharField(max_length=100, db_index=True)
    vector = models.BinaryField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("photo", "pack_id"), name="embedding_once_per_pack"),)

    def __str__(self) -> str:
        return f"embedding of {self.photo_id} by {self.pack_id}"


class Lookalike(models.Model):
    """Somebody else's face that was taken for a person until somebody said so: training moves the person away from it.

    `vector`: as in Embedding. Biometric of whoever it shows, so it goes with them if they are enrolled, and in any case
    when detections of its day do.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="lookalikes")
    shown = models.ForeignKey(
        Person, null=True, on_delete=models.CASCADE, related_name="taken_for", help_text="Who it is; none: unknown."
    )
    seen_in = models.CharField(max_length=60, db_default="", help_text="Which track or detection showed it.")
    pack_id = models.CharField(max_length=100)
    vector = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name = "wrong name to learn from"
        verbose_name_plural = "wrong names to learn from"

    def __str__(self) -> str:
        return f"look-alike {self.pk}"


class Mixup(models.Model):
    """Found at training: a photo that may show somebody else, or one person who may be enrolled twice."""

    class Kind(models.TextChoices):
        ODD_PHOTO = "odd-photo", "Somebody else’s photo?"
        SAME_PERSON = "same-person", "One person, two face ids?"

    kind = models.CharField("question", max_length=20, choices=Kind)
    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, related_name="+")
    other_photo = models.ForeignKey(
        Photo,
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Of the other face id; none if the question is about one photo.",
    )
    similarity = models.FloatField(help_text="Cosine between the two groups of photos, or the two people.")
    found_at = models.DateTimeField(auto_now_add=True)
    dismissed_at = models.DateTimeField(null=True, help_text="When somebody said that all is well.")
    dismissed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = "possible mix-up"
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"possible mix-up {self.pk}"

    @property
    def subject(self) -> frozenset[uuid.UUID]:
        """What the question is about, the same at every training: the photo, or the two people."""
        if self.kind == self.Kind.ODD_PHOTO:
            return frozenset({self.photo_id})
        return frozenset({self.photo.person_id, self.other_photo.person_id})


class Tombstone(models.Model):
    """That somebody was erased: all that is kept of them (people.tombstones)."""

    digest = models.CharField(primary_key=True, max_length=32)
    erased_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"tombstone {self.digest}"

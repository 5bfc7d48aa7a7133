"""Photos of many people that come in at once, on one legal basis, and what became of each."""

import uuid
from typing import Self

from django.conf import settings
from django.db import models

from people.models.people import Person, Photo
from recognition.models import Job


class Import(models.Model):
    """A zip or folder of photos. Without a job it is still arriving."""

    class Known(models.TextChoices):
        ADD = "add", "Add the photos to that person"
        SKIP = "skip", "Leave that person as they are"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    legal_basis = models.CharField(
        max_length=30, choices=Person.LegalBasis, help_text="Why we may hold the faces of all who are new."
    )
    legal_basis_date = models.DateField("since", help_text="The date of the consent, contract or decision.")
    legal_basis_expires = models.DateField(
        "until", null=True, blank=True, help_text="After this day they are no longer recognised. Empty: no end."
    )
    known = models.CharField("whoever is enrolled already", max_length=10, choices=Known, default=Known.ADD)
    job = models.OneToOneField(Job, null=True, editable=False, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = "import of photos"
        verbose_name_plural = "imports of photos"
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"import {self.pk}"

    def clean(self) -> None:
        self.new_person("").clean()

    def new_person(self, face_id: str) -> Person:
        """Somebody unsaved, on the legal basis of this import."""
        return Person(
            face_id=face_id,
            legal_basis=self.legal_basis,
            legal_basis_date=self.legal_basis_date,
            legal_basis_expires=self.legal_basis_expires,
        )


class ImportedPhotoQuerySet(models.QuerySet):
    def waiting(self) -> Self:
        return self.filter(outcome=ImportedPhoto.Outcome.WAITING)


class ImportedPhoto(models.Model):
    """One file of an import. Its bytes are in the row until they are looked at: what is not yet enrolled is nobody's
    file in storage, and goes with the row.
    """

    class Outcome(models.TextChoices):
        EXPECTED = "expected", "Not here yet"
        WAITING = "waiting", "Waiting"
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused"
        DUPLICATE = "duplicate", "There already"
        SKIPPED = "skipped", "Left out"
        UNUSABLE = "unusable", "Not usable"

    bulk = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="photos")
    number = models.PositiveIntegerField(help_text="Of its path in the list that announced it.")
    path = models.CharField(max_length=400, help_text="As it was called, for people to read; never where it is.")
    person_name = models.CharField(max_length=100, blank=True, help_text="The face id that its folder stands for.")
    person = models.ForeignKey(Person, null=True, on_delete=models.CASCADE, related_name="+")
    image = models.BinaryField(null=True)
    size = models.PositiveIntegerField(default=0, help_text="Bytes of the image, while it is here.")
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.EXPECTED)
    explanation = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(db_default=0, help_text="At looking at it, also by workers that died.")
    photo = models.ForeignKey(Photo, null=True, on_delete=models.SET_NULL, related_name="+")
    resembles = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = ImportedPhotoQuerySet.as_manager()

    class Meta:
        verbose_name = "imported photo"
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=("bulk", "number"), name="number_once_per_import"),)
        indexes = (models.Index(fields=("bulk", "outcome"), name="import_outcome"),)

    def __str__(self) -> str:
        return f"imported photo {self.pk}"

"""Who looked for whom."""

from django.db import models
from django.utils import timezone

from people.models import Person


class Search(models.Model):
    """That somebody asked who is in an image, or where people were seen: one row per person that the answer named.

    It hangs on the person, so that erasure takes it along.
    """

    class Means(models.TextChoices):
        GET_RESULTS = "get-results", "Who is in an image"
        LAST_KNOWN_LOCATION = "last-known-location", "Where a person was last seen"
        DATABASE_PEOPLE = "database-people", "Where everyone was last seen"
        DASHBOARD = "dashboard", "Dashboard"
        SIGHTINGS = "sightings", "Detections and tracks of a person"
        PERSON = "person", "People, and the page of one"
        PHOTO = "photo", "Detections of who is in a photo"
        EXPORT = "export", "Export of detections or tracks"

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.CharField("who", max_length=150)
    means = models.CharField("asked", max_length=20, choices=Means)
    person = models.ForeignKey(
        Person, null=True, on_delete=models.CASCADE, related_name="searches", help_text="Empty: nobody in particular."
    )
    faces = models.PositiveSmallIntegerField("faces in the image", null=True)

    class Meta:
        verbose_name_plural = "searches"
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"search {self.pk}"

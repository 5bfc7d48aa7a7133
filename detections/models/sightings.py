"""The inbox of crops, and what recognition made of them."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from detections.models.places import Camera
from detections.models.work import WorkQuerySet
from people.models import Person
from recognition.models import Job, TrainedModel


def _newest_first(of: str) -> tuple[models.Index, ...]:
    """What the lists and their filters walk. They also serve the foreign keys, which need no index of their own.

    `probability` finds the few surest ones; where there are many, the newest are soon found in order.
    """
    newest = ("-captured_at", "-id")
    return (
        models.Index(fields=newest, name=f"{of}_newest"),
        models.Index(fields=newest, name=f"{of}_known", condition=models.Q(person__isnull=False)),
        models.Index(fields=newest, name=f"{of}_unknown", condition=models.Q(person__isnull=True)),
        models.Index(fields=("camera", *newest), name=f"{of}_of_camera"),
        models.Index(fields=("person", *newest), name=f"{of}_of_person"),
        models.Index(fields=("probability",), name=f"{of}_sure"),
    )


class Track(models.Model):
    """One person's passage before one camera, as the edge node followed it."""

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="tracks", db_index=False)
    key = models.CharField(max_length=64, help_text="The edge node's name for the track.")
    person = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.CASCADE, related_name="tracks", db_index=False
    )
    probability = models.FloatField(default=0.0, help_text="On all the evidence so far.")
    detection_count = models.PositiveIntegerField(default=0)
    captured_at = models.DateTimeField("first seen")
    ended_at = models.DateTimeField("last seen")
    corrected_at = models.DateTimeField(null=True, help_text="When somebody said who it is.")

    class Meta:
        ordering = ("-captured_at",)
        constraints = (models.UniqueConstraint(fields=("camera", "key"), name="track_once_per_camera"),)
        indexes = _newest_first("track")

    def __str__(self) -> str:
        return f"track {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether further crops may change who it is."""
        return hasattr(self, "evidence") or not self.detection_count


class TrackEvidence(models.Model):
    """What an open track is decided on. Biometric, also of unknown people: it goes when the track is closed."""

    track = models.OneToOneField(Track, primary_key=True, on_delete=models.CASCADE, related_name="evidence")
    pack_id = models.CharField(max_length=100)
    vector = models.BinaryField(help_text="Weighted sum of the crops' unit vectors, little-endian float32.")
    crop_count = models.PositiveIntegerField()
    updated_at = models.DateTimeField(db_default=Now(), db_index=True)

    def __str__(self) -> str:
        return f"evidence of track {self.pk}"


class Crop(models.Model):
    """A submitted crop: the inbox. A committed row is an accepted crop.

    Its image goes when the work is done; the row stays a while as a receipt, so that a late retry of the same id is
    answered the same and not done twice.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        DONE = "done", "Done"
        DEAD = "dead", "Given up"

    id = models.UUIDField(primary_key=True, help_text="Made by the client.")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE)
    track = models.ForeignKey(Track, null=True, on_delete=models.CASCADE)
    sha256 = models.CharField(max_length=64)
    image = models.BinaryField(null=True)
    metadata = models.JSONField(default=dict, help_text="Box, frame size and confidence, as the edge node gave them.")
    deliver = models.BooleanField(default=False, help_text="Send the result to the external servers.")
    captured_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now, db_index=True)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    due_at = models.DateTimeField(db_default=Now(), help_text="Not before; while claimed, the end of the lease.")
    claim = models.UUIDField(null=True, help_text="Who holds the lease.")
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    objects = WorkQuerySet.as_manager()

    class Meta:
        ordering = ("received_at",)
        indexes = (
            models.Index(fields=("due_at",), name="crop_due", condition=models.Q(state="pending")),
            models.Index(fields=("claim",), name="crop_claim", condition=models.Q(claim__isnull=False)),
            models.Index(fields=("-received_at",), name="crop_dead", condition=models.Q(state="dead")),
        )

    def __str__(self) -> str:
        return f"crop {self.pk}"


class Detection(models.Model):
    """One face found in one crop, and whose it is.

    Its id follows from crop and face, so doing a crop again changes nothing.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    crop_id = models.UUIDField()
    face_index = models.PositiveSmallIntegerField()
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE, related_name="detections", db_index=False)
    track = models.ForeignKey(Track, null=True, on_delete=models.CASCADE, related_name="detections")
    person = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.CASCADE, related_name="detections", db_index=False
    )
    probability = models.FloatField(
        help_text="That the person is who is named; for an unknown, of the nearest person. On a track: the track's."
    )
    score = models.FloatField()
    confidence = models.FloatField(help_text="That this is a face.")
    box = models.JSONField(help_text="x1, y1, x2, y2 in the crop.")
    frame_box = models.JSONField(null=True, help_text="x1, y1, x2, y2 in the camera's frame, if the edge node said.")
    # Nobody asks for the detections of a model, and no model's row is ever deleted.
    model = models.ForeignKey(TrainedModel, null=True, on_delete=models.SET_NULL, db_index=False)
    captured_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    corrected_at = models.DateTimeField(null=True, help_text="When somebody said who it is.")

    class Meta:
        ordering = ("-captured_at", "-pk")
        constraints = (models.UniqueConstraint(fields=("crop_id", "face_index"), name="detection_once_per_face"),)
        indexes = _newest_first("detection")

    def __str__(self) -> str:
        return f"detection {self.pk}"


class FaceImage(models.Model):
    """A small JPEG of a detected face; of unknown people only if the operator keeps those."""

    detection = models.OneToOneField(Detection, primary_key=True, on_delete=models.CASCADE, related_name="face_image")
    jpeg = models.BinaryField()

    def __str__(self) -> str:
        return f"face of detection {self.pk}"

    @classmethod
    def kept(cls, detection: str) -> models.Exists:
        """Whether there is one of the detection in that column, without reading the picture."""
        return models.Exists(cls.objects.filter(pk=models.OuterRef(detection)))


class LastSeen(models.Model):
    """Where a person was last seen: one row per person, by capture time, whatever the order of arrival."""

    person = models.OneToOneField(Person, primary_key=True, on_delete=models.CASCADE, related_name="last_seen")
    camera = models.ForeignKey(Camera, on_delete=models.CASCADE)
    detection = models.ForeignKey(Detection, null=True, on_delete=models.SET_NULL)
    probability = models.FloatField()
    captured_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "last seen"
        ordering = ("-captured_at",)

    def __str__(self) -> str:
        return f"last sighting of {self.pk}"

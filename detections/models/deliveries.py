"""What other systems are told, and how it went."""

import base64
import secrets
import uuid
from typing import Self

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now

from detections.models.places import Camera
from detections.models.sightings import Detection, Track
from detections.models.work import WorkQuerySet
from detections.webhooks.addresses import check_target
from people.models import Person


def new_webhook_secret() -> str:
    """In the form that Standard Webhooks asks for."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


class ExternalServerQuerySet(models.QuerySet):
    def ready(self) -> Self:
        """Those that may be tried now: switched on, and not left alone for a while after failures."""
        return self.filter(Q(paused_until=None) | Q(paused_until__lte=Now()), is_active=True)

    def delete(self) -> tuple[int, dict[str, int]]:
        """With all that they were told, once nothing is just being noted of it."""
        told = Delivery.objects.using(self.db).filter(server__in=self.values("pk"))
        with transaction.atomic(using=self.db):
            # Evaluated for its locks alone.
            list(told.select_for_update().order_by("pk").values_list("pk", flat=True))
            return super().delete()

    # As Django's own: not of the manager, nor of templates.
    delete.alters_data = delete.queryset_only = True


class ExternalServer(models.Model):
    """A system outside that is told of events by webhooks, signed as Standard Webhooks says."""

    name = models.CharField(max_length=100, unique=True)
    url = models.CharField("address", max_length=500, validators=[check_target])
    secret = models.CharField(max_length=100, default=new_webhook_secret, editable=False)
    is_active = models.BooleanField(default=True, help_text="Off: what waits is kept for some days, nothing is added.")
    wants_results = models.BooleanField(
        "results of send-results", default=True, help_text="Each face of a crop that was sent with send-results."
    )
    wants_person_seen = models.BooleanField(
        "person seen", default=False, help_text="Somebody enrolled: once per track, or per face outside tracks."
    )
    wants_unknown_seen = models.BooleanField(
        "unknown seen", default=False, help_text="Somebody not enrolled: once per track, or per face outside tracks."
    )
    wants_camera_silent = models.BooleanField(
        "camera silent", default=False, help_text="A camera is not heard any more, and when it is again."
    )
    cameras = models.ManyToManyField(
        Camera, blank=True, related_name="listeners", help_text="Only events of these. None chosen: of all."
    )
    failures = models.PositiveIntegerField("failures in a row", default=0, editable=False)
    paused_until = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.CharField(max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ExternalServerQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One event to be posted to one external server. The text is built when it is sent, so erasure reaches it.

    The id follows from server and event, so noticing an event again adds nothing. It is what the receiver knows the
    event by (`webhook-id`).
    """

    class Event(models.TextChoices):
        RESULT = "detection", "Result of send-results"
        PERSON_SEEN = "person.seen", "Person seen"
        UNKNOWN_SEEN = "unknown.seen", "Unknown seen"
        CAMERA_SILENT = "camera.silent", "Camera silent"
        CAMERA_BACK = "camera.back", "Camera back"

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(ExternalServer, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=20, choices=Event, default=Event.RESULT)
    # What it is about. The person is who was seen, so that erasing them takes the event along.
    detection = models.ForeignKey(Detection, null=True, on_delete=models.CASCADE, related_name="deliveries")
    track = models.ForeignKey(Track, null=True, on_delete=models.CASCADE, related_name="deliveries")
    person = models.ForeignKey(Person, null=True, on_delete=models.CASCADE, related_name="deliveries")
    camera = models.ForeignKey(Camera, null=True, on_delete=models.CASCADE, related_name="deliveries")
    since = models.DateTimeField(null=True, help_text="When the camera was last heard before it fell silent.")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now(), help_text="Not before; while claimed, the end of the lease.")
    claim = models.UUIDField(null=True, help_text="Who holds the lease.")
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(db_default=Now(), help_text="From when on the days until it is given up count.")
    delivered_at = models.DateTimeField(null=True, blank=True)

    objects = WorkQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=("due_at",), name="delivery_due", condition=Q(state="pending")),
            models.Index(fields=("created_at",), name="delivery_created"),
            models.Index(fields=("-created_at",), name="delivery_failed", condition=Q(state="failed")),
        )

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class DeliveryAttempt(models.Model):
    """One try to deliver, in the log that administrators see. It goes with its delivery."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField(auto_now_add=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="Of the server's answer, if there was one.")
    duration_ms = models.PositiveIntegerField("milliseconds")
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"attempt at {self.at:%Y-%m-%d %H:%M:%S}"

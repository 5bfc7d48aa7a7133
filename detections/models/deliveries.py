"""Results on their way to other systems."""

import base64
import secrets
import uuid

from django.db import models
from django.db.models.functions import Now

from detections.models.sightings import Detection
from detections.models.work import WorkQuerySet


def new_webhook_secret() -> str:
    """In the form that Standard Webhooks asks for."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


class ExternalServer(models.Model):
    """Where the results of `send-results` are posted, signed as Standard Webhooks says."""

    name = models.CharField(max_length=100, unique=True)
    url = models.URLField(max_length=500)
    secret = models.CharField(max_length=100, default=new_webhook_secret, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One detection to be posted to one external server. The text is built when it is sent, so erasure reaches it."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(ExternalServer, on_delete=models.CASCADE, related_name="deliveries")
    detection = models.ForeignKey(Detection, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    objects = WorkQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ("-created_at",)
        constraints = (models.UniqueConstraint(fields=("server", "detection"), name="delivery_once"),)
        indexes = (models.Index(fields=("due_at",), name="delivery_due", condition=models.Q(state="pending")),)

    def __str__(self) -> str:
        return f"delivery {self.pk}"

"""API keys, of which only a hash is kept: the key itself is shown once, when it is made. And the audit log."""

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

PREFIX = "fs"
LAST_USED_RESOLUTION = timedelta(hours=1)
MAX_LIVE = 2


class NotRotatableError(Exception):
    """The key is dead, or its program has two live keys already; the text says which."""


class ApiKeyQuerySet(models.QuerySet):
    def live(self) -> Self:
        """Keys that are neither revoked nor expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


class ApiKey(models.Model):
    """A secret for a program: an edge node, an integration, or a script that acts as an operator."""

    class Scope(models.TextChoices):
        EDGE = "edge", "Edge node: sends crops from its cameras"
        INTEGRATION = "integration", "Integration: reads results, identifies faces"
        OPERATOR = "operator", "Operator: also enrols, trains and erases"

    name = models.CharField(max_length=100, help_text="What uses this key, for example “edge node, north gate”.")
    scope = models.CharField(max_length=20, choices=Scope)
    public_id = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.BinaryField(max_length=32, editable=False)
    lineage = models.UUIDField(
        default=uuid.uuid4, editable=False, db_index=True, help_text="The same for keys that replace each other."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Leave empty for a key that does not expire.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    # What Django REST framework asks of a request's principal.
    is_authenticated = True
    is_active = True

    class Meta:
        verbose_name = "API key"
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.name} ({PREFIX}_{self.public_id}…)"

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    def issue(self) -> str:
        """Give this unsaved key its secret, save it, and return the text to hand over: it cannot be read again.

        Raises:
            NotRotatableError: two keys of its lineage live already.
        """
        if type(self).objects.live().filter(lineage=self.lineage).count() >= MAX_LIVE:
            raise NotRotatableError(f"There are {MAX_LIVE} live keys for “{self.name}” already. Revoke one first.")
        self.public_id = secrets.token_hex(4)
        token = f"{PREFIX}_{self.public_id}_{secrets.token_urlsafe(32)}"
        self.digest = digest(token)
        self.save()
        return token

    def follow(self, lineage: uuid.UUID) -> None:
        """Make this unsaved key one of a lineage that has keys, with as long a life as the newest of them was given.
        One that was ended before it began says nothing of that.
        """
        # The end of an older one may have been brought forward by a rotation before.
        newest = type(self).objects.filter(lineage=lineage).latest("created_at")
        self.lineage = lineage
        if newest.expires_at and newest.expires_at > newest.created_at:
            self.expires_at = timezone.now() + (newest.expires_at - newest.created_at)

    def rotate(self, by: User | None, *, grace: timedelta | None = None) -> tuple[Self, str]:
        """A second key for the same program, given as long a life as the newest before it, and its secret. This one
        lives on until it is revoked, or for `grace` more.

        Raises:
            NotRotatableError: this key is dead, or not the only live one.
        """
        if not self.is_live:
            raise NotRotatableError(f"{self} is no longer live. Issue a new key.")
        now = timezone.now()
        successor = type(self)(name=self.name, scope=self.scope, created_by=by)
        successor.follow(self.lineage)
        with transaction.atomic():
            token = successor.issue()
            for relation in self._meta.related_objects:
                if relation.many_to_many:
                    name = relation.get_accessor_name()
                    getattr(successor, name).set(getattr(self, name).all())
            if grace is not None and (self.expires_at is None or self.expires_at > now + grace):
                self.expires_at = now + grace
                self.save(update_fields=["expires_at"])
        return successor, token

    def revoke(self) -> None:
        """Stop the key for good. Revoking twice keeps the first date."""
        type(self).objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now())
        self.refresh_from_db(fields=["revoked_at"])

    def mark_used(self) -> None:
        """Record the use, at most once an hour: a busy node must not write a row per request."""
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at > LAST_USED_RESOLUTION:
            type(self).objects.filter(pk=self.pk).update(last_used_at=now)


class AuditEntry(models.Model):
    """That somebody changed something. Written by `access.audit`, read by administrators, changed by nobody."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.CharField("who", max_length=150)
    action = models.CharField("did", max_length=40)
    kind = models.CharField("to", max_length=40)
    subject = models.CharField("id", max_length=50, db_index=True)
    details = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "audit log"
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"audit entry {self.pk}"


def digest(token: str) -> bytes:
    """SHA-256 of a key. A slow hash would add nothing: the secret has 256 random bits."""
    return hashlib.sha256(token.encode()).digest()

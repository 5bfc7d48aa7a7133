"""Roles of people, scopes of API keys, and the capabilities that both amount to."""

from enum import StrEnum

from django.contrib.auth.models import AnonymousUser, User
from django.db import models

from access.models import ApiKey


class Capability(StrEnum):
    """What a request may do. Every view names the one it needs."""

    SUBMIT = "submit"  # send crops
    IDENTIFY = "identify"  # ask who is in an image
    READ = "read"  # people, detections, cameras, models
    ENROL = "enrol"  # add, train, erase
    ADMINISTER = "administer"  # accounts, keys, cameras, internals


class Role(models.TextChoices):
    """Group names. Each role includes what the one above it may do."""

    VIEWER = "viewer", "Viewer: sees people and detections"
    OPERATOR = "operator", "Operator: also enrols, trains and erases"
    ADMIN = "admin", "Admin: also accounts, keys and cameras"


_VIEWER = frozenset({Capability.READ})
_OPERATOR = _VIEWER | {Capability.IDENTIFY, Capability.SUBMIT, Capability.ENROL}
_OF_ROLE = {Role.VIEWER: _VIEWER, Role.OPERATOR: _OPERATOR, Role.ADMIN: frozenset(Capability)}
_OF_SCOPE = {
    ApiKey.Scope.EDGE: frozenset({Capability.SUBMIT, Capability.IDENTIFY}),
    ApiKey.Scope.INTEGRATION: _VIEWER | {Capability.IDENTIFY},
    ApiKey.Scope.OPERATOR: _OPERATOR,
}


def capabilities_of(principal: User | AnonymousUser | ApiKey) -> frozenset[Capability]:
    """Everything that a user or an API key may do; nothing for those without role, login or a live key."""
    if isinstance(principal, ApiKey):
        return _OF_SCOPE.get(ApiKey.Scope(principal.scope), frozenset()) if principal.is_live else frozenset()
    if not principal.is_active:
        return frozenset()
    if principal.is_superuser:
        return frozenset(Capability)
    # Asked many times a request; a user object lives for one.
    if not hasattr(principal, "_capabilities"):
        names = set(principal.groups.values_list("name", flat=True))
        principal._capabilities = frozenset().union(*(_OF_ROLE[role] for role in Role if role in names))  # noqa: SLF001
    return principal._capabilities  # noqa: SLF001

"""The Django admin, governed by roles instead of a permission row per model."""

from collections.abc import Iterable
from typing import ClassVar

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from access import audit
from access.roles import Capability, capabilities_of


class RoleAdminSite(admin.AdminSite):
    site_header = site_title = "facesite"
    index_title = "Administration"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        return Capability.ENROL in capabilities_of(request.user)

    def login(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponseBase:
        """One login page for everything; whoever is logged in already lacks the role."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index"))


class _ByRole:
    """Open to whoever has `capability`; the default keeps it to administrators."""

    capability: ClassVar[Capability] = Capability.ADMINISTER

    def _allowed(self, request: HttpRequest) -> bool:
        return self.capability in capabilities_of(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._allowed(request)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._allowed(request)

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._allowed(request)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._allowed(request)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._allowed(request)


class RoleModelAdmin(_ByRole, admin.ModelAdmin):
    """A model admin governed by roles. Whatever is changed in it, by form or by action, is in the audit log."""

    def audit_details(self, obj: Model) -> dict:
        """What the audit log says of a row besides which of its fields changed."""
        return {}

    def log_addition(self, request: HttpRequest, obj: Model, message: object) -> LogEntry:
        audit.note(request.user, "add", audit.kind_of(obj), [obj.pk], **self.audit_details(obj))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: object) -> LogEntry:
        details = self.audit_details(obj) | {"changes": message}
        audit.note(request.user, "change", audit.kind_of(obj), [obj.pk], **details)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Model]) -> list[LogEntry] | LogEntry:
        for obj in queryset:
            audit.note(request.user, "delete", audit.kind_of(obj), [obj.pk])
        return super().log_deletions(request, queryset)

    def get_actions(self, request: HttpRequest) -> dict:
        return {
            # Deleting, and what takes its place, notes itself.
            name: (function if name == "delete_selected" else audit.noted(name, function), name, description)
            for name, (function, _, description) in super().get_actions(request).items()
        }


class RoleInline(_ByRole, admin.StackedInline):
    """Rows that belong to the model on whose page they stand, governed by roles."""


class ReadOnlyAdmin(RoleModelAdmin):
    """For rows that the system writes and people only look at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

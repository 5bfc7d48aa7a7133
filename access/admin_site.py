"""The Django admin, governed by roles instead of a permission row per model."""

from typing import ClassVar

from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

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
    """A model admin governed by roles."""


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

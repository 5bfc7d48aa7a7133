from collections.abc import Collection, Iterable
from datetime import date, timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from access.admin_site import ReadOnlyAdmin, RoleModelAdmin
from access.models import PREFIX, ApiKey, AuditEntry, NotRotatableError

GRACE = timedelta(days=7)


def show_once(request: HttpRequest, whose: str, secret: str) -> None:
    """Hand over a secret of which only this message will ever show the text."""
    text = "{}: copy this secret now, it is not shown again: <code class='secret'>{}</code>"
    messages.warning(request, format_html(text, whose, secret))


admin.site.unregister(Group)
admin.site.unregister(User)


@admin.register(User)
class AccountAdmin(RoleModelAdmin, UserAdmin):
    """Accounts of people. A role is a group: viewer, operator or admin."""

    list_display = ("username", "roles", "is_active", "last_login")
    list_filter = ("groups", "is_active")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "groups")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("username", "password1", "password2", "groups")}),)
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()

    @admin.display(description="Role")
    def roles(self, user: User) -> str:
        if user.is_superuser:
            return "superuser"
        return ", ".join(group.name for group in user.groups.all()) or "none: cannot see anything"

    def audit_details(self, user: User) -> dict:
        return {"roles": self.roles(user), "active": user.is_active}

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")


@admin.register(ApiKey)
class ApiKeyAdmin(RoleModelAdmin):
    list_display = ("name", "begins_with", "scope", "state", "created_at", "last_used", "expires_at")
    list_filter = ("scope",)
    search_fields = ("name", "public_id")
    fields = ("name", "scope", "expires_at")
    actions = ("rotate", "rotate_soon", "revoke")

    @admin.display(description="Begins with", ordering="public_id")
    def begins_with(self, key: ApiKey) -> str:
        return f"{PREFIX}_{key.public_id}_"

    @admin.display(description="Last used", ordering="last_used_at", empty_value="never")
    def last_used(self, key: ApiKey) -> date | None:
        return key.last_used_at and timezone.localdate(key.last_used_at)

    @admin.display(description="State")
    def state(self, key: ApiKey) -> str:
        if key.revoked_at:
            return "revoked"
        return "live" if key.is_live else "expired"

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        # A wider scope is a new key: whoever holds this one was given what it says.
        return ("scope",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False  # revoking keeps the record of who had access

    def save_model(self, request: HttpRequest, obj: ApiKey, form: ModelForm, change: bool) -> None:
        if change:
            obj.save()
            return
        obj.created_by = request.user
        show_once(request, obj.name, obj.issue())

    @admin.action(description="Rotate: issue a second key, the first lives until you revoke it")
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> Collection[int]:
        return self._rotate(request, queryset, None)

    @admin.action(description=f"Rotate: issue a second key, the first expires in {GRACE.days} days")
    def rotate_soon(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> Collection[int]:
        return self._rotate(request, queryset, GRACE)

    def _rotate(self, request: HttpRequest, keys: Iterable[ApiKey], grace: timedelta | None) -> Collection[int]:
        """Returns the primary keys of those that were rotated."""
        rotated = []
        for key in keys:
            try:
                successor, token = key.rotate(request.user, grace=grace)
            except NotRotatableError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                show_once(request, successor.name, token)
                rotated.append(key.pk)
        return rotated

    @admin.action(description="Revoke the selected keys")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> Collection[int]:
        revoked = [key for key in queryset if key.revoked_at is None]
        for key in revoked:
            key.revoke()
        self.message_user(request, f"Revoked {len(revoked)} keys.")
        return [key.pk for key in revoked]


@admin.register(AccessAttempt)
class FailedLoginAdmin(ReadOnlyAdmin):
    """Wrong passwords of the last minutes: too many of one account from one address lock the two together."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start", "is_locked")
    search_fields = ("username", "ip_address")
    fields = list_display
    actions = ("unlock",)

    @admin.display(description="Locked", boolean=True)
    def is_locked(self, attempt: AccessAttempt) -> bool:
        return attempt.failures_since_start >= settings.AXES_FAILURE_LIMIT

    @admin.action(description="Unlock the selected logins")
    def unlock(self, request: HttpRequest, queryset: QuerySet[AccessAttempt]) -> None:
        count, _ = queryset.delete()
        self.message_user(request, f"Unlocked: {count}.")


@admin.register(AuditEntry)
class AuditAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "action", "kind", "subject", "details")
    list_filter = ("action", "kind")
    search_fields = ("actor", "subject")
    date_hierarchy = "at"
    show_full_result_count = False

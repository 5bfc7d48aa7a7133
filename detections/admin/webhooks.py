"""External servers, what they are told of, and the log of deliveries."""

from django.contrib import admin
from django.contrib.admin.widgets import AdminURLFieldWidget
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format

from access.admin import show_once
from access.admin_site import ReadOnlyAdmin, RoleInline, RoleModelAdmin
from access.pagination import FirstPages
from detections.models import Delivery, DeliveryAttempt, ExternalServer, new_webhook_secret
from detections.webhooks import delivering
from recognition import wakeup


@admin.register(ExternalServer)
class ExternalServerAdmin(RoleModelAdmin):
    _events = ("wants_results", "wants_person_seen", "wants_unknown_seen", "wants_camera_silent", "cameras")
    fieldsets = (
        (None, {"fields": ("name", "url", "is_active", "state")}),
        ("Events", {"fields": _events, "description": "What it is told of. A secret signs each message."}),
    )
    readonly_fields = ("state",)
    filter_horizontal = ("cameras",)
    list_display = ("name", "url", "state", "created_at")
    actions = ("renew_secret", "try_now")

    def formfield_for_dbfield(self, db_field: object, request: HttpRequest, **kwargs: object) -> object:
        if db_field.name == "url":
            kwargs["widget"] = AdminURLFieldWidget
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description="State")
    def state(self, server: ExternalServer) -> str:
        if not server.is_active:
            return f"switched off. {server.disabled_reason}"
        if server.paused_until and server.paused_until > timezone.now():
            until = date_format(timezone.localtime(server.paused_until), "H:i:s")
            return f"failed {server.failures} times in a row, next try at {until}"
        return f"failed {server.failures} times in a row" if server.failures else "well"

    def save_model(self, request: HttpRequest, obj: ExternalServer, form: ModelForm, change: bool) -> None:
        if obj.is_active and {"is_active", "url"} & set(form.changed_data):
            # Whatever was wrong with it is to be found out anew.
            obj.disabled_reason, obj.failures, obj.paused_until = "", 0, None
        super().save_model(request, obj, form, change)
        if not change:
            show_once(request, obj.name, obj.secret)

    def delete_model(self, request: HttpRequest, obj: ExternalServer) -> None:
        ExternalServer.objects.filter(pk=obj.pk).delete()

    @admin.action(description="Make a new secret for the selected servers")
    def renew_secret(self, request: HttpRequest, queryset: QuerySet[ExternalServer]) -> None:
        for server in queryset:
            server.secret = new_webhook_secret()
            server.save(update_fields=["secret"])
            show_once(request, server.name, server.secret)

    @admin.action(description="Try the selected servers now")
    def try_now(self, request: HttpRequest, queryset: QuerySet[ExternalServer]) -> None:
        count = queryset.filter(is_active=True).update(paused_until=None)
        wakeup.wake(wakeup.DELIVERY)
        self.message_user(request, f"{count} servers are tried with the next event that is due for them.")


class AttemptInline(RoleInline):
    """Each try, newest first."""

    model = DeliveryAttempt
    template = "admin/edit_inline/tabular.html"
    fields = readonly_fields = ("at", "status", "duration_ms", "error")
    extra = 0
    verbose_name_plural = "attempts"

    def has_add_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """What other systems are told. Choose the state “given up” to see what they did not take."""

    fields = ("id", "server", "event", "state", "attempts", "created_at", "due_at", "delivered_at", "last_error")
    list_display = fields
    list_filter = ("state", "event", "server")
    list_select_related = ("server",)
    show_full_result_count = False
    paginator = FirstPages
    list_per_page = 50
    inlines = (AttemptInline,)
    actions = ("deliver_again",)

    @admin.action(description="Deliver the selected events again")
    def deliver_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self.message_user(request, f"{delivering.again(queryset)} events are delivered again, under their ids.")

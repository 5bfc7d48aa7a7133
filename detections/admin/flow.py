"""Cameras and edge nodes, what they sent, and what became of it."""

from collections.abc import Collection
from datetime import datetime

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import Count, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html

from access.admin import show_once
from access.admin_site import ReadOnlyAdmin, RoleInline, RoleModelAdmin
from access.models import NotRotatableError
from access.pagination import FirstPages
from access.roles import Capability
from detections import joining, processing, searching
from detections.models import (
    Camera,
    CameraSettings,
    Crop,
    Detection,
    EdgeNode,
    LastSeen,
    Location,
    Search,
    Track,
)
from people.models import Person, one_spelling
from recognition import wakeup

# Of the people that a search in the admin may be about.
SEARCHES_NOTED = 100


@admin.register(Location)
class LocationAdmin(RoleModelAdmin):
    list_display = ("name", "description", "camera_count")
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Location]:
        return super().get_queryset(request).annotate(camera_count=Count("cameras"))

    @admin.display(description="Cameras", ordering="camera_count")
    def camera_count(self, location: Location) -> int:
        return location.camera_count


class CameraSettingsInline(RoleInline):
    model = CameraSettings


@admin.register(Camera)
class CameraAdmin(RoleModelAdmin):
    list_display = (
        "id", "name", "location", "is_active", "heard_at", "frames", "faces", "saved", "last_crop", "trouble",
    )  # fmt: skip
    list_filter = ("is_active", "location")
    list_select_related = ("location", "status")
    search_fields = ("id", "name")
    inlines = (CameraSettingsInline,)

    @admin.display(description="Frames/s", ordering="status__frames_per_second")
    def frames(self, camera: Camera) -> str | None:
        return f"{camera.status.frames_per_second:.1f}" if hasattr(camera, "status") else None

    @admin.display(description="Faces/min", ordering="status__faces_per_minute")
    def faces(self, camera: Camera) -> str | None:
        return f"{camera.status.faces_per_minute:.1f}" if hasattr(camera, "status") else None

    @admin.display(description="Saved", ordering="status__bytes_saved")
    def saved(self, camera: Camera) -> str | None:
        return filesizeformat(camera.status.bytes_saved) if hasattr(camera, "status") else None

    @admin.display(description="Last crop", ordering="status__last_crop_at")
    def last_crop(self, camera: Camera) -> datetime | None:
        return camera.status.last_crop_at if hasattr(camera, "status") else None

    @admin.display(description="Trouble", ordering="status__error")
    def trouble(self, camera: Camera) -> str | None:
        return camera.status.error if hasattr(camera, "status") else None

    def get_readonly_fields(self, request: HttpRequest, obj: Camera | None = None) -> tuple[str, ...]:
        return ("id",) if obj else ()  # another id would be another camera

    def save_model(self, request: HttpRequest, obj: Camera, form: ModelForm, change: bool) -> None:
        if change and "location" in form.changed_data:
            obj.plan_x = obj.plan_y = None  # where it hung on the plan of the former place
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request: HttpRequest, obj: Camera | None = None) -> bool:
        # Deleting takes all detections along: a camera that has any is switched off instead.
        # Nor may it leave a server that listens to it alone: one with no camera named is told of all.
        unused = obj is not None and not obj.detections.exists() and not obj.listeners.exists()
        return unused and super().has_delete_permission(request, obj)


@admin.register(EdgeNode)
class EdgeNodeAdmin(RoleModelAdmin):
    _figures = ("version", "queued", "dropped", "rejected", "clock_offset_s", "last_error")
    readonly_fields = ("api_keys", "last_seen_at", "reported_at", "sent", "spool", *_figures)
    fields = ("name", "cameras", *readonly_fields)
    filter_horizontal = ("cameras",)
    list_display = ("name", "api_keys", "last_seen_at", "sent", *_figures)
    search_fields = ("name",)
    actions = ("issue_key",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[EdgeNode]:
        return super().get_queryset(request).prefetch_related("keys")

    @admin.display(description="Live API keys")
    def api_keys(self, node: EdgeNode) -> str:
        live = [str(key) for key in node.keys.all() if key.is_live] if node.pk else []
        return ", ".join(live) or "none: select the node in the list and issue a key"

    @admin.display(description="Sent", ordering="bytes_sent")
    def sent(self, node: EdgeNode) -> str:
        return filesizeformat(node.bytes_sent)

    @admin.display(description="Spool")
    def spool(self, node: EdgeNode) -> str:
        return filesizeformat(node.spool_bytes)

    @admin.action(description="Issue a key for the selected nodes")
    def issue_key(self, request: HttpRequest, queryset: QuerySet[EdgeNode]) -> Collection[int]:
        issued = []
        for node in queryset:
            try:
                token = joining.issue_key(node, request.user)
            except NotRotatableError as error:
                self.message_user(request, str(error), messages.ERROR)
                continue
            show_once(request, f"edge node {node}", token)
            issued.append(node.pk)
        return issued


@admin.register(Crop)
class CropAdmin(ReadOnlyAdmin):
    """The inbox. Choose the state “given up” to see the dead letters."""

    list_display = ("id", "camera", "captured_at", "received_at", "state", "attempts", "error")
    list_filter = ("state", "camera")
    list_select_related = ("camera",)
    show_full_result_count = False
    paginator = FirstPages
    list_per_page = 50
    actions = ("requeue",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Crop]:
        return super().get_queryset(request).defer("image")

    @admin.action(description="Try the selected crops again")
    def requeue(self, request: HttpRequest, queryset: QuerySet[Crop]) -> None:
        count = processing.requeue(queryset)
        wakeup.wake(wakeup.RECOGNITION)
        self.message_user(request, f"{count} of {len(queryset)} crops wait again; only those given up can.")


class SightingAdmin(ReadOnlyAdmin):
    """What recognition wrote, open to operators."""

    capability = Capability.ENROL
    list_filter = ("camera",)
    search_fields = ("person__face_id",)
    show_full_result_count = False
    paginator = FirstPages
    list_per_page = 50

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        # Whoever looks for somebody types the name, and is on record.
        about_people = {"pk", "person", "person_id"} & set(lookup.split("__"))
        return not about_people and super().lookup_allowed(lookup, value, request)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        # Who it may be is found out first: a join would search the history.
        if search_term:
            queryset = queryset.filter(person__in=list(_people(search_term)))
        return queryset, False

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        if text := request.GET.get(SEARCH_VAR, "").strip():
            searching.note(request.user, Search.Means.SIGHTINGS, _people(text)[:SEARCHES_NOTED])
        return super().changelist_view(request, extra_context)


def _people(text: str) -> QuerySet:
    """Keys of those whose name has this in it."""
    people = Person.objects.filter(face_id__icontains=one_spelling(text.replace("\0", "").strip()))
    return people.values_list("pk", flat=True)


@admin.register(Detection)
class DetectionAdmin(SightingAdmin):
    list_display = ("captured_at", "face", "person", "camera", "probability", "track", "model")
    list_select_related = ("person", "camera", "track", "model", "face_image")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Detection]:
        return super().get_queryset(request).defer("face_image__jpeg")

    @admin.display(description="")
    def face(self, detection: Detection) -> str:
        if not hasattr(detection, "face_image"):
            return ""
        address = reverse("face-image", args=[detection.pk])
        return format_html("<img class='thumbnail' src='{}' alt='' width='48' height='48' loading='lazy'>", address)


@admin.register(Track)
class TrackAdmin(SightingAdmin):
    list_display = ("captured_at", "ended_at", "person", "camera", "probability", "detection_count")
    list_select_related = ("person", "camera")


@admin.register(LastSeen)
class LastSeenAdmin(SightingAdmin):
    """The list shows all of it: there is no page of one person, of whom a search would have to be on record."""

    list_display_links = None
    list_display = ("person", "camera", "captured_at", "probability")
    list_select_related = ("person", "camera")

    def has_view_permission(self, request: HttpRequest, obj: LastSeen | None = None) -> bool:
        return obj is None and super().has_view_permission(request, obj)


@admin.register(Search)
class SearchAdmin(ReadOnlyAdmin):
    """The other half of the audit log, for administrators alone: who looked for whom."""

    list_display = ("at", "actor", "means", "person", "faces")
    list_filter = ("means",)
    list_select_related = ("person",)
    search_fields = ("actor", "person__face_id")
    date_hierarchy = "at"
    show_full_result_count = False

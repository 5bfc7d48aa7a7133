"""Floor plans: who is before which camera, drawn where the camera is; and who may draw them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import cv2
from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from access import audit
from access.roles import Capability
from access.views import requires
from detections import searching
from detections.models import Camera, FaceImage, FloorPlan, LastSeen, Location, Search
from detections.pages.refreshing import just_now, refreshing
from people.models import Photo
from recognition.engine.errors import ImageError
from recognition.engine.images import decode, encode_jpeg

# Somebody last seen longer ago is not drawn: they may be anywhere by now.
HERE = timedelta(hours=1)
LONGEST_SIDE_PX = 2400
EDGE = 0.15  # of the plan's width, as in plan_edit.js
# Above one camera, in rows; who comes after them is counted.
DRAWN = 8
IN_ROW, ROW_PX, FACE_PX = 4, 42, 38


@dataclass(frozen=True)
class Pin:
    """A person on the plan: `x` and `y` are those of the camera, in percent; `dx` and `dy` pixels from there."""

    seen: LastSeen
    x: str
    y: str
    dx: int
    dy: int


@dataclass(frozen=True)
class Spot:
    """A camera, where it is on the plan in percent (empty: nowhere), and who was last seen there, newest first."""

    camera: Camera
    x: str
    y: str
    seen: Sequence[LastSeen]

    @property
    def side(self) -> str:
        """At which edge of the plan, if at one: half of the camera's name would not fit on that side of it."""
        share = self.camera.plan_x
        if share is None or EDGE <= share <= 1 - EDGE:
            return ""
        return "left" if share < EDGE else "right"

    @property
    def more(self) -> int:
        return max(0, len(self.seen) - DRAWN)

    @property
    def pins(self) -> list[Pin]:
        drawn = self.seen[:DRAWN] if self.x else ()
        return [Pin(one, self.x, self.y, *_above(index, len(drawn))) for index, one in enumerate(drawn)]


@require_safe
@requires(Capability.READ)
def plans_page(request: HttpRequest) -> HttpResponse:
    """The first plan that there is; without any, what to do about it."""
    location = Location.objects.filter(plan__isnull=False).first() or Location.objects.first()
    if location:
        return redirect("plan-page", location.pk)
    return render(request, "detections/plan.html", {"tab": "plan"})


@require_safe
@never_cache
@requires(Capability.READ)
def plan_page(request: HttpRequest, place: int) -> HttpResponse:
    location = get_object_or_404(Location, pk=place)
    plan = FloorPlan.objects.filter(pk=place).defer("jpeg").first()
    spots = spots_of(location.cameras.all())
    context = {
        "tab": "plan",
        "location": location,
        "plan": plan,
        "spots": spots,
        # In one order whoever moves: an element that stays is an element that can be seen moving.
        "pins": sorted((pin for spot in spots for pin in spot.pins), key=lambda pin: pin.seen.pk),
        "just_now": just_now(),
        "locations": [] if request.htmx else Location.objects.select_related("plan").defer("plan__jpeg"),
    }
    if not request.htmx:  # when it is opened, not each time that it refreshes itself
        searching.note(request.user, Search.Means.DASHBOARD)
    return refreshing(request, "detections/plan.html", "detections/plan_board.html", context, every=2)


@require_safe
@requires(Capability.READ)
def plan_image(request: HttpRequest, place: int) -> HttpResponse:
    # By the location's key: asked for a relation's, SQLite fails on a number that is too large for any key.
    plan = get_object_or_404(FloorPlan, location__id=place)
    headers = {"Cache-Control": "private, max-age=300", "Content-Disposition": 'inline; filename="plan.jpg"'}
    return HttpResponse(bytes(plan.jpeg), content_type="image/jpeg", headers=headers)


def spots_of(cameras: Iterable[Camera]) -> list[Spot]:
    """Each camera with whom it was the last to see, in the last hour."""
    cameras = list(cameras)
    seen: dict[str, list[LastSeen]] = {camera.pk: [] for camera in cameras}
    for one in here().filter(camera__in=cameras):
        seen[one.camera_id].append(one)
    return [Spot(camera, percent(camera.plan_x), percent(camera.plan_y), seen[camera.pk]) for camera in cameras]


def here() -> QuerySet[LastSeen]:
    """People seen in the last hour, newest first, with their pictures."""
    seen = LastSeen.objects.filter(captured_at__gte=timezone.now() - HERE).select_related("person")
    return seen.annotate(has_face=FaceImage.kept("detection"), photo=Photo.first_of("person")).order_by(
        "-captured_at", "pk"
    )


def percent(share: float | None) -> str:
    """For SVG, which knows one decimal sign whatever the viewer's language."""
    return "" if share is None else f"{100 * share:.2f}"


def _above(index: int, count: int) -> tuple[int, int]:
    """Where the face of one of so many stands, so that none hides the camera or its name."""
    row, place = divmod(index, IN_ROW)
    beside = min(count - row * IN_ROW, IN_ROW)
    return round((place - (beside - 1) / 2) * FACE_PX), -ROW_PX * (row + 1) + 8


class PlanForm(forms.Form):
    """The picture, and where its cameras are, in percent from the left and the top."""

    image = forms.FileField(required=False, label=gettext_lazy("Picture of the plan"))

    def __init__(self, cameras: Iterable[Camera], *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.cameras = list(cameras)
        for camera in self.cameras:
            for axis, share in (("x", camera.plan_x), ("y", camera.plan_y)):
                initial = None if share is None else round(100 * share, 1)
                self.fields[f"{axis}-{camera.pk}"] = forms.FloatField(
                    min_value=0, max_value=100, required=False, initial=initial
                )

    def places(self) -> list[tuple[Camera, forms.BoundField, forms.BoundField]]:
        return [(camera, self[f"x-{camera.pk}"], self[f"y-{camera.pk}"]) for camera in self.cameras]

    def clean_image(self) -> tuple[bytes, int, int] | None:
        """A JPEG of the plan and its size; what was uploaded is not kept."""
        upload: UploadedFile | None = self.cleaned_data["image"]
        if upload is None:
            return None
        if upload.size > settings.MAX_IMAGE_BYTES:
            limit = settings.MAX_IMAGE_BYTES // 2**20
            raise forms.ValidationError(_("The file is larger than %(limit)s MiB.") % {"limit": limit})
        try:
            image = decode(upload.read(), max_pixels=settings.MAX_IMAGE_PIXELS)
        except ImageError as error:
            raise forms.ValidationError(str(error)) from error
        scale = min(1.0, LONGEST_SIDE_PX / max(image.shape[:2]))
        height, width = (max(1, round(side * scale)) for side in image.shape[:2])  # nothing is left of a line otherwise
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        return encode_jpeg(image, quality=88, fine_colour=True), width, height

    def clean(self) -> dict:
        for camera in self.cameras:
            pair = [self.cleaned_data.get(f"{axis}-{camera.pk}") for axis in "xy"]
            if pair.count(None) == 1 and not {f"x-{camera.pk}", f"y-{camera.pk}"} & self.errors.keys():
                self.add_error(f"y-{camera.pk}", _("Give both numbers, or neither."))
        return self.cleaned_data


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Capability.ENROL)
def plan_edit(request: HttpRequest, place: int) -> HttpResponse:
    """Put a plan there, and the cameras on it."""
    location = get_object_or_404(Location, pk=place)
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = PlanForm(location.cameras.all(), *sent)
    if request.method == "POST" and form.is_valid():
        _save(location, form, audit_as=request.user)
        return redirect("plan-edit" if form.cleaned_data["image"] else "plan-page", place)
    plan = FloorPlan.objects.filter(pk=place).defer("jpeg").first()
    context = {"tab": "plan", "location": location, "form": form, "plan": plan}
    return render(request, "detections/plan_edit.html", context, status=400 if form.errors else 200)


def _save(location: Location, form: PlanForm, *, audit_as: audit.Principal) -> None:
    with transaction.atomic():
        if form.cleaned_data["image"]:
            jpeg, width, height = form.cleaned_data["image"]
            FloorPlan.objects.update_or_create(
                location=location, defaults={"jpeg": jpeg, "width": width, "height": height}
            )
        for camera in form.cameras:
            x, y = (form.cleaned_data[f"{axis}-{camera.pk}"] for axis in "xy")
            camera.plan_x, camera.plan_y = (None, None) if x is None else (x / 100, y / 100)
        Camera.objects.bulk_update(form.cameras, ("plan_x", "plan_y"))
        audit.note(audit_as, "change", "floor plan", [location.pk], picture=bool(form.cleaned_data["image"]))

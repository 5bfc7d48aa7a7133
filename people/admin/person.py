"""Enrolment in the admin: people, their photos with each one's verdict, training and erasure."""

from collections import Counter
from functools import partial
from typing import ClassVar
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import DateField, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from access import audit
from access.admin_site import RoleModelAdmin
from access.headers import permissions_policy
from access.roles import Capability
from people import enrolment, erasure, mixups, thumbnails, training
from people.admin.photos import LATER, DayInput, PhotosField, judge
from people.models import ImportedPhoto, Person, PersonGroup, Photo, today
from recognition import jobs, storage, wakeup
from recognition.models import ActiveModel, Job, TrainedModel
from recognition.storage import RETRY_AFTER_S, StorageUnavailableError

# Of the form that confirms an erasure, beside one for each person; a few more than it has.
OTHER_FIELDS = 10


class PersonForm(forms.ModelForm):
    photos = PhotosField(
        required=False,
        allow_empty_file=True,
        label="Add photos",
        help_text="Choose several, or drop them anywhere on this page. Each must show this face alone, sharp and from "
        "the front.",
    )
    remove = forms.ModelMultipleChoiceField(Photo.objects.none(), required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["remove"].queryset = self.instance.photos.all()


class LawfulFilter(admin.SimpleListFilter):
    title = "recognition"
    parameter_name = "lawful"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", "Allowed"), ("no", "Legal basis expired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Person]) -> QuerySet[Person]:
        lawful = Person.objects.lawful().values("pk")
        match self.value():
            case "yes":
                return queryset.filter(pk__in=lawful)
            case "no":
                return queryset.exclude(pk__in=lawful)
        return queryset


@admin.register(PersonGroup)
class PersonGroupAdmin(RoleModelAdmin):
    capability: ClassVar[Capability] = Capability.ENROL


@admin.register(Person)
class PersonAdmin(RoleModelAdmin):
    capability: ClassVar[Capability] = Capability.ENROL
    form = PersonForm
    formfield_overrides = {DateField: {"widget": DayInput}}
    fieldsets = (
        (None, {"fields": ("face_id", "group")}),
        ("Why we may hold this face", {"fields": ("legal_basis", ("legal_basis_date", "legal_basis_expires"))}),
        ("Photos", {"fields": ("photos",)}),
    )
    list_display = ("face", "face_id", "photo_count", "legal_basis", "expires", "seen")
    list_display_links = ("face_id",)
    list_filter = (LawfulFilter, "group", "legal_basis")
    list_per_page = 25
    search_fields = ("face_id",)
    actions = ("delete_selected",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Person]:
        people = super().get_queryset(request).with_photo_counts().annotate(face_photo=Photo.first_of("pk"))
        return people.select_related("last_seen__camera__location")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, object]:
        """Most people are enrolled on the day that they agree."""
        return {"legal_basis_date": today()} | super().get_changeform_initial_data(request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("train/", view(require_POST(self.train)), name="people_person_train"),
            path("<uuid:pk>/photos/", view(require_POST(self.add_photo)), name="people_person_photos"),
            path("photos/<uuid:pk>.jpg", view(self.photo_image), name="people_photo_image"),
            *super().get_urls(),
        ]

    @admin.display(description="Face")
    def face(self, person: Person) -> str:
        if person.face_photo is None:
            return ""
        return thumbnail(person.face_photo, 48)

    @admin.display(description="Photos", ordering="photo_count")
    def photo_count(self, person: Person) -> int:
        return person.photo_count

    @admin.display(description="Until", ordering="legal_basis_expires")
    def expires(self, person: Person) -> str:
        until = person.legal_basis_expires
        if person.is_lawful:
            return until or "no end"
        return format_html("<strong class='expired'>expired {}</strong>", date_format(until))

    @admin.display(description="Last seen", empty_value="never", ordering="last_seen__captured_at")
    def seen(self, person: Person) -> str | None:
        sighting = getattr(person, "last_seen", None)
        return sighting and f"{sighting.camera.location}, {timezone.localtime(sighting.captured_at):%Y-%m-%d %H:%M}"

    # Photos

    def save_model(self, request: HttpRequest, obj: Person, form: PersonForm, change: bool) -> None:
        if change:
            # An erasure waits for this, or came first: then this raises, where saving would put the row back.
            Person.objects.select_for_update(no_key=True).get(pk=obj.pk)
        super().save_model(request, obj, form, change)
        for photo in form.cleaned_data["remove"]:
            enrolment.remove_photo(photo, request.user)
        # Once the form's transaction is over: looking at photos takes seconds and must not hold up other writers.
        transaction.on_commit(partial(self._add_photos, request, obj, form.cleaned_data["photos"]))

    def _add_photos(self, request: HttpRequest, person: Person, files: list[UploadedFile]) -> None:
        for file in files:
            judgement = judge(person, file, request.user)
            self.message_user(request, str(judgement), judgement.level)

    def add_photo(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """One photo for the page that stays open: answers with what is to be shown of it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        person = get_object_or_404(Person, pk=pk)
        file = request.FILES.get("photo")
        if file is None:
            return HttpResponseBadRequest("There is no photo in the request.", content_type="text/plain")
        judgement = judge(person, file, request.user)
        context = {"judgement": judgement, "photo": judgement.photo, "has_change_permission": True}
        return TemplateResponse(request, "admin/people/person/photo.html", context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict | None = None,
    ) -> HttpResponse:
        context = {"max_bytes": settings.MAX_IMAGE_BYTES, **(extra_context or {})}
        try:
            answer = super().changeform_view(request, object_id, form_url, context)
        except Person.DoesNotExist:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        answer["Permissions-Policy"] = permissions_policy("camera")
        return answer

    def response_post_save_add(self, request: HttpRequest, obj: Person) -> HttpResponse:
        return self._to_photos(request, obj) or super().response_post_save_add(request, obj)

    def response_post_save_change(self, request: HttpRequest, obj: Person) -> HttpResponse:
        return self._to_photos(request, obj) or super().response_post_save_change(request, obj)

    def _to_photos(self, request: HttpRequest, person: Person) -> HttpResponse | None:
        """Whoever added photos wants to see what became of them."""
        return redirect("admin:people_person_change", person.pk) if request.FILES else None

    def photo_image(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """An accepted photo, made small; the stored one never leaves storage."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        photo = get_object_or_404(Photo, pk=pk, refusal="")
        try:
            jpeg = thumbnails.make(photo)
        except thumbnails.NoPictureError as error:
            raise Http404(str(error)) from error
        except StorageUnavailableError as error:
            return HttpResponse(
                str(error), status=503, content_type="text/plain", headers={"Retry-After": RETRY_AFTER_S}
            )
        headers = {"Cache-Control": "private, max-age=300", "Content-Disposition": 'inline; filename="photo.jpg"'}
        return HttpResponse(jpeg, content_type="image/jpeg", headers=headers)

    # Training

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        context = {
            "training": Job.objects.filter(kind__in=Job.TRAINING).first(),
            "is_outdated": training.is_outdated(),
            "mixup_count": mixups.pending().count(),
            "fault": ActiveModel.objects.filter(model__isnull=False).values_list("model__fault", flat=True).first(),
        }
        return super().changelist_view(request, context | (extra_context or {}))

    def train(self, request: HttpRequest) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        try:
            storage.probe()
        except StorageUnavailableError as error:
            self.message_user(request, f"Training was not requested: {error} {LATER}", messages.ERROR)
        else:
            job = jobs.request(Job.Kind.OPTIMIZED_TRAIN, request.user)
            audit.note(request.user, "request", "training", [job.pk], job=job.kind)
            wakeup.wake(wakeup.TRAINING, str(job.pk))
            self.message_user(request, "Training was requested. The new model goes into service by itself.")
        return redirect("admin:people_person_changelist")

    # Erasure: never Django's own deletion, which would keep files, models and a log entry with the person's name.

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponse:
        person = self.get_object(request, unquote(object_id))
        if person is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return self._erase(request, [person])

    @admin.action(description="Erase the selected people", permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Person]) -> HttpResponse | None:
        count, most = queryset.count(), settings.DATA_UPLOAD_MAX_NUMBER_FIELDS - OTHER_FIELDS
        if count > most:
            said = f"{count} people are selected, and {most} can be erased at once. Narrow the list down first."
            self.message_user(request, said, messages.ERROR)
            return None
        return self._erase(request, list(queryset))

    def _erase(self, request: HttpRequest, people: list[Person]) -> HttpResponse:
        """Say what will go; once that is confirmed, erase it."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        if "confirmed" not in request.POST:
            context = self.admin_site.each_context(request) | {
                "title": "Erase for good?",
                "opts": self.opts,
                "people": people,
                "counts": what_will_go(people),
            }
            return TemplateResponse(request, "admin/people/person/erase.html", context)
        removed: Counter[str] = Counter()
        try:
            for person in people:
                removed.update(erasure.erase(person, request.user))
        except StorageUnavailableError as error:
            self.message_user(request, f"Not everybody was erased: {error} {LATER}", messages.ERROR)
        if removed:
            details = ", ".join(f"{kind} {count}" for kind, count in removed.items())
            self.message_user(request, f"Erased for good: {details}.", messages.SUCCESS)
        return redirect("admin:people_person_changelist")


def thumbnail(photo: UUID, px: int) -> str:
    """An accepted photo as a square of that side."""
    address = reverse("admin:people_photo_image", args=[photo])
    return format_html("<img class='thumbnail' src='{}' alt='' width='{}' height='{}' loading='lazy'>", address, px, px)


def what_will_go(people: list[Person]) -> dict[str, int]:
    """How many rows of each kind go with these people, and how many models know them."""
    counts: Counter[str] = Counter()
    for relation in Person._meta.related_objects:  # noqa: SLF001
        rows = relation.related_model.objects.filter(**{f"{relation.field.name}__in": people})
        counts[str(relation.related_model._meta.verbose_name_plural)] += rows.count()  # noqa: SLF001
    # With those that wait for somebody of such a name, as in erasure.
    named = Q(person=None, person_name__in=[person.face_id for person in people])
    counts["imported photos"] = ImportedPhoto.objects.filter(Q(person__in=people) | named).count()
    labels = [person.label for person in people]
    models = TrainedModel.objects.filter(retired_at=None, labels__label__in=labels).distinct().count()
    return {kind: count for kind, count in (dict(counts) | {"trained models that know them": models}).items() if count}

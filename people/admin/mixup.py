"""What training found suspicious, with the photos, for somebody to look at."""

from collections.abc import Iterator
from typing import ClassVar

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from access.admin_site import ReadOnlyAdmin
from access.roles import Capability
from people import mixups
from people.admin.person import thumbnail
from people.models import Mixup, Photo

THUMBNAIL_PX = 96
BESIDE = 3  # other photos shown next to one that may be somebody else's


class PendingFilter(admin.SimpleListFilter):
    """Shows what needs an answer unless all is asked for."""

    title = "answered"
    parameter_name = "answered"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("yes", "Yes: all is well")]

    def choices(self, changelist: ChangeList) -> Iterator[dict]:
        everything, *others = super().choices(changelist)
        return iter([everything | {"display": "Not yet"}, *others])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Mixup]) -> QuerySet[Mixup]:
        return queryset.exclude(dismissed_at=None) if self.value() else queryset.filter(dismissed_at=None)


@admin.register(Mixup)
class MixupAdmin(ReadOnlyAdmin):
    capability: ClassVar[Capability] = Capability.ENROL
    list_display = ("kind", "suspect", "beside", "likeness", "found_at")
    list_display_links = None
    list_filter = (PendingFilter, "kind")
    list_select_related = ("photo__person", "other_photo__person")
    list_per_page = 25
    actions = ("dismiss",)

    @admin.display(description="photo")
    def suspect(self, mixup: Mixup) -> str:
        return _portrait(mixup.photo)

    @admin.display(description="beside")
    def beside(self, mixup: Mixup) -> str:
        """The other face id's photo, or what else is enrolled under this one."""
        if mixup.other_photo:
            return _portrait(mixup.other_photo)
        others = mixup.photo.person.photos.filter(refusal="").exclude(pk=mixup.photo_id)[:BESIDE]
        return format_html_join("", "{}", ((thumbnail(photo.pk, THUMBNAIL_PX),) for photo in others))

    @admin.display(description="similarity", ordering="similarity")
    def likeness(self, mixup: Mixup) -> str:
        return f"{mixup.similarity:.2f}"

    @admin.action(description="All is well: do not ask again")
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Mixup]) -> None:
        count = mixups.dismiss(queryset, request.user)
        self.message_user(request, f"Answered: {count}. The next training does not ask about them.", messages.SUCCESS)


def _portrait(photo: Photo) -> str:
    """A photo over the face id that it is enrolled under, which leads to the person."""
    address = reverse("admin:people_person_change", args=[photo.person_id])
    return format_html("{}<br><a href='{}'>{}</a>", thumbnail(photo.pk, THUMBNAIL_PX), address, photo.person)

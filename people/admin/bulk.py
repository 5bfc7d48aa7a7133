"""Importing photos of many people in the admin, and the report of what became of each."""

import json
from collections.abc import Iterable
from itertools import groupby
from typing import ClassVar
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from access.admin_site import RoleModelAdmin
from access.roles import Capability
from people.admin.photos import DayInput
from people.importing import arriving
from people.models import Import, ImportedPhoto

Outcome = ImportedPhoto.Outcome
MAX_PATHS_LENGTH = 900_000
# In the report, what needs somebody's eye comes first.
ORDER = (
    Outcome.UNUSABLE,
    Outcome.REFUSED,
    Outcome.SKIPPED,
    Outcome.DUPLICATE,
    Outcome.ACCEPTED,
    Outcome.WAITING,
    Outcome.EXPECTED,
)


class ImportForm(forms.ModelForm):
    required_css_class = "required"
    archive = forms.FileField(required=False, label="Zip")
    paths = forms.CharField(required=False, widget=forms.HiddenInput, max_length=MAX_PATHS_LENGTH)

    class Meta:
        model = Import
        fields = ("legal_basis", "legal_basis_date", "legal_basis_expires", "known")
        widgets = {"legal_basis_date": DayInput, "legal_basis_expires": DayInput}

    def clean(self) -> dict:
        cleaned = super().clean()
        if not self.errors and bool(cleaned["archive"]) == bool(cleaned["paths"]):
            self.add_error("archive", "Choose a zip or a folder with a folder of photos for each person.")
        return cleaned

    def clean_paths(self) -> list[str]:
        try:
            paths = json.loads(self.cleaned_data["paths"] or "[]")
        except (ValueError, RecursionError):
            paths = None
        if not isinstance(paths, list) or not all(isinstance(one, str) for one in paths):
            raise forms.ValidationError("This is no list of files.")
        return paths


@admin.register(Import)
class ImportAdmin(RoleModelAdmin):
    capability: ClassVar[Capability] = Capability.ENROL
    list_display = ("created_at", "created_by", "legal_basis", "known", "state")
    list_display_links = ("created_at",)
    list_select_related = ("job", "created_by")
    list_per_page = 25

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False  # retention does it; who came in by it stays

    @admin.display(description="State")
    def state(self, bulk: Import) -> str:
        return f"{bulk.job.get_state_display()}: {bulk.job.message}" if bulk.job else "Still arriving"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<uuid:pk>/photos/", view(require_POST(self.receive)), name="people_import_photos"),
            path("<uuid:pk>/start/", view(require_POST(self.start)), name="people_import_start"),
            path("<uuid:pk>/progress/", view(self.progress), name="people_import_progress"),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None) -> HttpResponse:
        """The form; sent with a zip all of it is taken at once, sent with a list of files these come one by one."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ImportForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            bulk = form.save(commit=False)
            bulk.created_by = request.user
            try:
                archive = form.cleaned_data["archive"]
                if archive:
                    arriving.take_archive(bulk, archive, archive.size, request.user)
                else:
                    arriving.expect(bulk, form.cleaned_data["paths"])
                return redirect("admin:people_import_change", bulk.pk)
            except arriving.ImportRefusedError as error:
                form.add_error("archive", str(error))
        context = self._context(request, "Import photos of many people") | {
            "form": form,
            "max_archive": settings.MAX_ARCHIVE_BYTES,
            "max_bytes": settings.MAX_IMPORT_BYTES,
            "max_photos": settings.MAX_IMPORT_PHOTOS,
        }
        return TemplateResponse(request, "admin/people/import/add.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """The report."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        bulk = self.get_object(request, object_id)
        if bulk is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return TemplateResponse(request, "admin/people/import/report.html", self._report(request, bulk))

    def progress(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """What the report asks for again and again while a worker is at it; at the end it asks for all of itself."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        bulk = get_object_or_404(Import.objects.select_related("job"), pk=pk)
        if bulk.job is None or bulk.job.is_over:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return TemplateResponse(request, "admin/people/import/progress.html", {"bulk": bulk})

    def receive(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """One file of a folder; `number`: which of the list that was sent first."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        bulk = get_object_or_404(Import, pk=pk, job=None)
        file, number = request.FILES.get("photo"), request.POST.get("number", "")
        if file is None or not (number.isascii() and number.isdigit()):
            return HttpResponseBadRequest("There is no photo in the request.", content_type="text/plain")
        row = bulk.photos.filter(number=int(number[:9])).first()
        try:
            if row:  # else it went with somebody who was erased meanwhile, and the others are to come all the same
                arriving.receive(row, file.read(settings.MAX_IMAGE_BYTES + 1))
        except arriving.ImportRefusedError as error:
            return HttpResponse(str(error), status=413, content_type="text/plain")
        return HttpResponse(status=204)

    def start(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        arriving.start(get_object_or_404(Import, pk=pk), request.user)
        return redirect("admin:people_import_change", pk)

    def _context(self, request: HttpRequest, title: str) -> dict:
        return self.admin_site.each_context(request) | {"title": title, "opts": self.opts}

    def _report(self, request: HttpRequest, bulk: Import) -> dict:
        rows = bulk.photos.defer("image").select_related("person", "resembles")
        counts = dict(bulk.photos.order_by().values_list("outcome").annotate(Count("pk")))
        return self._context(request, "Import of photos") | {
            "bulk": bulk,
            "groups": by_person(rows),
            "expected": json.dumps([[row.number, row.path] for row in rows if row.outcome == Outcome.EXPECTED]),
            "counts": [(Outcome(one).label, one, counts[one]) for one in ORDER if one in counts],
        }


def by_person(rows: Iterable[ImportedPhoto]) -> list[tuple[str, list[ImportedPhoto]]]:
    """The rows of each person, those without one first, and in them what needs an eye first."""
    ordered = sorted(
        rows, key=lambda row: (row.person_name.casefold(), row.person_name, ORDER.index(row.outcome), row.pk)
    )
    return [(name, list(group)) for name, group in groupby(ordered, key=lambda row: row.person_name)]

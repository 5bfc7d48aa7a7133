"""Saying that a detection shows somebody else."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from access.roles import Capability
from access.views import requires
from detections import correcting, searching
from detections.api.browsing import detections
from detections.models import Detection, FaceImage, Search
from people.models import Person, Photo, one_spelling

NAMES_OFFERED = 8


class CorrectionForm(forms.Form):
    """Whose face it is: a face id, or nobody's who is enrolled. `shown`: whom the page named; others may be faster."""

    shown = forms.CharField(required=False)
    who = forms.ChoiceField(
        choices=[("unknown", gettext_lazy("Somebody unknown")), ("person", gettext_lazy("Another person"))]
    )
    face_id = forms.CharField(max_length=100, required=False)

    def __init__(self, detection: Detection, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.detection = detection

    def clean(self) -> dict:
        if self.cleaned_data.get("shown") != (self.detection.person.label if self.detection.person else ""):
            self.add_error(None, correcting.OVERTAKEN)
        if self.cleaned_data.get("who") == "person" and "face_id" not in self.errors:
            self.cleaned_data["person"] = Person.objects.named(self.cleaned_data["face_id"].strip()).first()
            if self.cleaned_data["person"] is None:
                self.add_error("face_id", _("There is no person with this face id."))
        return self.cleaned_data


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Capability.ENROL)
def correct_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Asks who it is; then puts it right and goes back to the person it was."""
    chosen = detections().select_related("track").annotate(has_face=FaceImage.kept("pk"))
    detection = get_object_or_404(chosen, pk=pk)
    form = CorrectionForm(detection, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        person = form.cleaned_data.get("person")
        try:
            done = correcting.correct(detection, person, request.user)
        except correcting.CannotCorrectError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _corrected(done, person))
            return redirect("person-page", detection.person_id) if detection.person_id else redirect("detections-page")
    context = {"detection": detection, "one": detection, "form": form}
    return render(request, "detections/correct.html", context, status=400 if form.errors else 200)


def _corrected(done: correcting.Correction, person: Person | None) -> str:
    name = person.face_id if person else _("somebody unknown")
    text = ngettext(
        "Corrected: %(count)d detection is of %(name)s now.",
        "Corrected: %(count)d detections are of %(name)s now.",
        done.count,
    )
    said = text % {"count": done.count, "name": name}
    return f"{said} {_('The next training learns from it.')}" if done.is_learned else said


@require_safe
@never_cache
@requires(Capability.ENROL)
def names(request: HttpRequest) -> HttpResponse:
    """The people whose names contain what was typed, for choosing one."""
    typed = one_spelling(request.GET.get("face_id", "").strip().replace("\0", "")[:100])
    found = (
        Person.objects.lawful().filter(face_id__icontains=typed).order_by("face_id") if typed else Person.objects.none()
    )
    people = list(found.annotate(photo=Photo.first_of("pk"))[:NAMES_OFFERED])
    if people:
        searching.note(request.user, Search.Means.PERSON, [one.pk for one in people])
    return render(request, "detections/names.html", {"people": people})

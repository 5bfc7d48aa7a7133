"""What is asked when a node is added."""

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from detections.joining import NewCamera
from detections.models import Camera, EdgeNode
from detections.streams import check_stream

MOST_CAMERAS = 64


class NodeForm(forms.Form):
    name = forms.CharField(label=_("Name of the node"), max_length=100)
    place = forms.CharField(label=_("Where it is"), max_length=100)

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if EdgeNode.objects.filter(name=name).exists():
            raise ValidationError(_("There is a node of this name already."))
        return name


class CameraForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100)
    video_source = forms.CharField(label=_("Stream address"), max_length=500, validators=[check_stream])


class KnownForm(forms.Form):
    known = forms.ModelMultipleChoiceField(
        Camera.objects.filter(nodes=None).select_related("location"),
        required=False,
        label=_("Cameras that no node has yet"),
        widget=forms.CheckboxSelectMultiple,
    )


_Rows = forms.formset_factory(CameraForm, extra=1, max_num=MOST_CAMERAS, absolute_max=MOST_CAMERAS)


class Cameras:
    """The second step: rows of new cameras, and those that wait for a node."""

    def __init__(self, data: QueryDict | None) -> None:
        if data is not None and "more" in data:
            rows = min(_Rows(data).total_form_count() + 1, MOST_CAMERAS)
            data = data.copy()
            data["form-TOTAL_FORMS"] = str(rows)
        self.rows = _Rows(data)
        self.choice = KnownForm(data)
        self.error = ""

    def is_valid(self) -> bool:
        if not (self.rows.is_valid() and self.choice.is_valid()):
            return False
        if not self.new and not self.known:
            self.error = _("Name at least one camera.")
        return not self.error

    @property
    def new(self) -> list[NewCamera]:
        return [NewCamera(**row) for row in self.rows.cleaned_data if row]

    @property
    def known(self) -> list[Camera]:
        return list(self.choice.cleaned_data["known"])

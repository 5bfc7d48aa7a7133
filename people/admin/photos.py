"""Photos in the admin: choosing several, and what is said about each."""

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from people import enrolment
from people.likeness import looks_like
from people.models import Person, Photo
from recognition.engine.errors import PackError
from recognition.storage import StorageUnavailableError

LATER = gettext_lazy("Try again in a moment.")


class PhotosInput(forms.FileInput):
    allow_multiple_selected = True


class PhotosField(forms.FileField):
    """Several files at once. An empty one is let through: it gets its verdict like any other."""

    widget = PhotosInput

    def clean(self, data: list[UploadedFile], initial: object = None) -> list[UploadedFile]:
        return [super(PhotosField, self).clean(file, initial) for file in data]

    def has_changed(self, initial: object, data: list[UploadedFile]) -> bool:
        return bool(data)


class DayInput(forms.DateInput):
    """The browser's own, which people can also use by keyboard and on a phone."""

    input_type = "date"

    def __init__(self, attrs: dict | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


@dataclass(frozen=True)
class Judgement:
    """What became of one file. `photo`: as it was recorded; None if it was not even looked at."""

    name: str
    text: str
    level: int
    photo: Photo | None = None
    resembles: Person | None = None

    def __str__(self) -> str:
        return f"“{self.name}”: {self.text}"


def judge(person: Person, file: UploadedFile, user: User) -> Judgement:
    """Offer one file as a photo of the person."""
    try:
        photo = enrolment.add_photo(person, file.read(), user)
    except enrolment.EnrolmentError as error:
        return Judgement(file.name, str(error), messages.WARNING)
    except PackError as error:
        return Judgement(file.name, _("Not looked at: %(error)s") % {"error": error}, messages.ERROR)
    except StorageUnavailableError as error:
        return Judgement(file.name, _("Not stored: %(error)s") % {"error": f"{error} {LATER}"}, messages.ERROR)
    if not photo.is_accepted:
        return Judgement(file.name, photo.explanation, messages.WARNING, photo)
    other = looks_like(photo, user)
    if other is None:
        return Judgement(file.name, photo.explanation, messages.SUCCESS, photo)
    text = _("It looks like “%(other)s”: see that it is the right person’s.") % {"other": other}
    return Judgement(file.name, f"{photo.explanation} {text}", messages.WARNING, photo, other)

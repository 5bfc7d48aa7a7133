"""Search by photo: who is in it, and where they were. The photo is looked at and forgotten."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from access.roles import Capability
from access.views import requires
from detections import searching
from detections.identification import IdentifiedFace, batcher, identify
from detections.models import Detection, FaceImage, Search, Track, TrackEvidence
from detections.recording import face_jpeg
from people import lookalikes
from people.lookalikes import Resemblance
from people.models import Person, Photo
from recognition import publishing
from recognition.batching import BusyError
from recognition.engine.embedder import unit
from recognition.engine.errors import ImageError, PackError
from recognition.engine.faces import Vector
from recognition.engine.fitting import expected_similarity
from recognition.engine.images import decode
from recognition.loader import ModelUnavailableError, Serving, loader

FACES_SHOWN = 8
DETECTIONS_SHOWN = 8
TRACKS_SHOWN = 6
# Of a quarter of an hour: more would take longer than a page may.
TRACKS_COMPARED = 5_000


@dataclass(frozen=True)
class Finding:
    """What is known of one face of the photo. `face`: its picture, in the page itself."""

    face: str
    person: Person | None
    probability: float
    alike: Sequence[Resemblance]
    detections: Sequence[Detection]
    tracks: Sequence[tuple[Track, float]]


class PhotoForm(forms.Form):
    image = forms.FileField(label=gettext_lazy("Photo"), allow_empty_file=True)

    def clean_image(self) -> bytes:
        upload: UploadedFile = self.cleaned_data["image"]
        if upload.size > settings.MAX_IMAGE_BYTES:
            limit = settings.MAX_IMAGE_BYTES // 2**20
            raise forms.ValidationError(_("The file is larger than %(limit)s MiB.") % {"limit": limit})
        return upload.read()


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(Capability.IDENTIFY)
def photo_search(request: HttpRequest) -> HttpResponse:
    form = PhotoForm(request.POST, request.FILES) if request.method == "POST" else PhotoForm()
    if not form.is_bound or not form.is_valid():
        return render(request, "detections/photo.html", {"form": form}, status=400 if form.errors else 200)
    try:
        with batcher.place():
            findings, count = _look(form.cleaned_data["image"], request)
    except ImageError as error:
        form.add_error("image", str(error))
        return render(request, "detections/photo.html", {"form": form}, status=400)
    except (BusyError, PackError, ModelUnavailableError) as error:
        form.add_error(None, str(error))
        return render(request, "detections/photo.html", {"form": form}, status=503)
    context = {"form": form, "findings": findings, "count": count, "is_answer": True}
    return render(request, "detections/photo.html", context)


def _look(data: bytes, request: HttpRequest) -> tuple[list[Finding], int]:
    """What is found of the largest faces, and how many faces there are. Who asked is on record before they know."""
    result = identify(data)
    shown = result.faces[:FACES_SHOWN]
    alike = [lookalikes.resembling(one.found.vector) for one in shown]
    named = {one.identity.label for one in shown if one.face_id}
    offered = {str(other.person.pk) for others in alike for other in others}
    searching.note(request.user, Search.Means.PHOTO, named | offered, len(result.faces))
    pixels = decode(data, max_pixels=settings.MAX_IMAGE_PIXELS) if shown else None
    people = Person.objects.annotate(photo=Photo.first_of("pk")).in_bulk(named | offered)
    people = {str(pk): person for pk, person in people.items()}
    unknown = _unknown_tracks()
    return [_finding(one, others, pixels, people, unknown) for one, others in zip(shown, alike, strict=True)], len(
        result.faces
    )


def _finding(
    one: IdentifiedFace,
    others: Sequence[Resemblance],
    pixels: np.ndarray,
    people: dict[str, Person],
    unknown: tuple[list[Track], np.ndarray],
) -> Finding:
    for other in others:
        other.person.photo = people[other.person.label].photo if other.person.label in people else None
    person = people.get(one.identity.label or "") if one.face_id else None
    jpeg = base64.b64encode(face_jpeg(pixels, one.found.face.box)).decode()
    return Finding(
        face=f"data:image/jpeg;base64,{jpeg}",
        person=person,
        probability=one.identity.probability,
        alike=others,
        detections=_detections(person) if person else (),
        tracks=() if person else _resembling(one.found.vector, *unknown),
    )


def _detections(person: Person) -> list[Detection]:
    seen = Detection.objects.filter(person=person).select_related("camera__location")
    return list(seen.annotate(has_face=FaceImage.kept("pk"))[:DETECTIONS_SHOWN])


def _unknown_tracks() -> tuple[list[Track], np.ndarray]:
    """Unknown people of the last quarter of an hour, whose vectors are still kept: tracks, and (N, D) unit vectors."""
    serving = loader.current()
    evidence = TrackEvidence.objects.filter(track__person=None, pack_id=serving.pipeline.pack_id)
    evidence = list(evidence.select_related("track__camera__location").order_by("-updated_at")[:TRACKS_COMPARED])
    values = np.frombuffer(b"".join(bytes(one.vector) for one in evidence), "<f4")
    return [one.track for one in evidence], unit(values.reshape(-1, serving.pipeline.dimension))


def _resembling(vector: Vector, tracks: Sequence[Track], vectors: np.ndarray) -> list[tuple[Track, float]]:
    """Those so near that a person enrolled with this face would be named."""
    needed = _needed(loader.current())
    similarities = vectors @ vector
    best = np.argsort(-similarities)[:TRACKS_SHOWN]
    return [(tracks[index], float(similarities[index])) for index in best if similarities[index] >= needed]


def _needed(serving: Serving) -> float:
    """As a cosine, which the threshold of an SVM is not; and a model of nobody has none."""
    classifier = serving.classifier
    if classifier.kind == "gallery" and classifier.labels:
        return classifier.threshold + classifier.runner_up_share * classifier.runner_up_floor
    return expected_similarity(serving.pipeline.pack, publishing.wanted_rate())

"""The pictures of faces on all pages: of detections, as cameras saw them, and of photos, as people were enrolled."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from access.roles import Capability
from access.views import requires
from detections.models import FaceImage
from people import thumbnails
from people.models import Photo
from recognition.storage import RETRY_AFTER_S, StorageUnavailableError

# A browser may keep them for the session's moment, not longer: the person may be erased.
CACHE = "private, max-age=300"


@require_safe
@requires(Capability.READ)
def face_image(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The small JPEG of a detected face."""
    face = get_object_or_404(FaceImage, pk=pk)
    headers = {"Cache-Control": CACHE, "Content-Disposition": 'inline; filename="face.jpg"'}
    return HttpResponse(bytes(face.jpeg), content_type="image/jpeg", headers=headers)


@require_safe
@requires(Capability.READ)
def photo_image(request: HttpRequest, pk: UUID) -> HttpResponse:
    """An accepted photo, made small."""
    try:
        jpeg = thumbnails.make(get_object_or_404(Photo, pk=pk, refusal=""))
    except thumbnails.NoPictureError as error:
        raise Http404(str(error)) from error
    except StorageUnavailableError as error:
        return HttpResponse(str(error), status=503, content_type="text/plain", headers={"Retry-After": RETRY_AFTER_S})
    headers = {"Cache-Control": CACHE, "Content-Disposition": 'inline; filename="photo.jpg"'}
    return HttpResponse(jpeg, content_type="image/jpeg", headers=headers)

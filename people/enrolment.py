"""Decides whether a photo may enrol a person, and keeps it if so."""

import hashlib
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from access import audit
from people import mixups
from people.models import Embedding, Person, Photo
from recognition import storage
from recognition.engine.errors import ImageError
from recognition.engine.faces import EmbeddedFace
from recognition.engine.images import decode, encode_jpeg
from recognition.engine.pipeline import Pipeline
from recognition.loader import pipeline

logger = logging.getLogger(__name__)

FOLDER = "photos"
# Of the kept copy. Cosine of its vector with that of the upload: 0.9998 on average, 0.998 at least (127 photos).
COPY_QUALITY = 95
MIN_FACE_PX = 48
# Ordinary photos lie above 20; a Gaussian blur of 3 pixels brings a face of 90 pixels to about 6 (bench.sharpness).
MIN_SHARPNESS = 8.0
# Somebody small in the background is not a second candidate.
BYSTANDER_SHARE = 0.4


class EnrolmentError(Exception):
    """The photo was not even looked at; the text says why and what to do."""


class NoLegalBasisError(EnrolmentError):
    """Nobody may hold this person's face today."""


class DuplicatePhotoError(EnrolmentError):
    """The person already has this very photo."""


class PersonGoneError(EnrolmentError):
    """The person was erased while the photo was looked at."""


@dataclass(frozen=True)
class Verdict:
    """What was decided about a photo: `refusal` is empty if it was accepted."""

    refusal: str
    explanation: str
    face: EmbeddedFace | None = None


def add_photo(person: Person, data: bytes, by: audit.Principal = None) -> Photo:
    """Judge a photo and record the verdict; of an accepted one a copy is stored with its vector. `by`: who added it.

    A photo refused before may be offered again: it is judged anew. The copy holds the upright pixels and nothing else
    of the upload: no place, no camera, no thumbnail. It is the copy that is judged and embedded, so that embedding it
    again gives the same vector; a duplicate is known by the hash of the upload.

    Raises:
        NoLegalBasisError: the person's legal basis has expired or not begun.
        DuplicatePhotoError: the photo is already enrolled for this person.
        PersonGoneError: the person was erased meanwhile.
        storage.StorageUnavailableError: an acceptable photo could not be stored. Nothing was recorded.
    """
    if not person.is_lawful:
        raise NoLegalBasisError(_("The legal basis for holding this person's face has expired. Renew it first."))
    sha256 = hash_of(data)
    earlier = person.photos.filter(sha256=sha256).first()
    if earlier and earlier.is_accepted:
        raise DuplicatePhotoError(_("This person already has this photo."))
    engine = pipeline()
    copy, verdict = look_at(data, engine)
    photo = Photo(person=person, sha256=sha256, **_columns(verdict))
    if photo.is_accepted:
        # Named by random ids: no path is ever built from what a person typed.
        photo.file.name = f"{folder_of(person)}/{photo.pk}.jpg"
        storage.write_once(photo.file.name, copy)
    try:
        with transaction.atomic():
            if earlier:
                earlier.delete()
            # An import takes long enough for the account to be deleted meanwhile.
            photo.added_by = User.objects.filter(pk=by.pk).first() if isinstance(by, User) else None
            photo.save()
            if photo.is_accepted:
                store_vector(photo, verdict.face, engine.pack_id)
            audit.note(by, "add photo", "person", [person.label], accepted=photo.is_accepted)
    except IntegrityError:
        if photo.is_accepted:
            _delete_file(photo.file.name)
        if not Person.objects.filter(pk=person.pk).exists():
            raise PersonGoneError(_("This person was erased meanwhile.")) from None
        if not person.photos.filter(sha256=sha256).exists():
            raise
        raise DuplicatePhotoError(_("This person already has this photo.")) from None
    return photo


def hash_of(upload: bytes) -> str:
    """By which a photo is known that was offered before."""
    return hashlib.sha256(upload).hexdigest()


def remove_photo(photo: Photo, by: audit.Principal = None) -> None:
    """Delete a photo with its vectors and file. Models trained with it keep its trace until the next training."""
    name = photo.file.name
    with transaction.atomic():
        audit.note(by, "remove photo", "person", [photo.person.label])
        mixups.keep_answers(photo)
        photo.delete()
    if name:
        transaction.on_commit(lambda: _delete_file(name))


def folder_of(person: Person) -> str:
    """Where a person's photos are: one folder, so that erasure finds files that a crash left without a row."""
    return f"{FOLDER}/{person.pk}"


def delete_folder(folder: str) -> int:
    """Delete all files of a folder, and it; returns how many."""
    _folders, names = storage.listing(folder)
    for name in names:
        storage.delete(f"{folder}/{name}")
    storage.delete(folder)
    return len(names)


def look_at(upload: bytes, engine: Pipeline) -> tuple[bytes, Verdict]:
    """The copy of an upload that would be kept, and what is to be said about it."""
    if len(upload) > settings.MAX_IMAGE_BYTES:
        return b"", Verdict(Photo.Refusal.UNREADABLE, too_large())
    try:
        image = decode(upload, max_pixels=settings.MAX_IMAGE_PIXELS)
    except ImageError as error:
        return b"", Verdict(Photo.Refusal.UNREADABLE, str(error))
    copy = encode_jpeg(image, quality=COPY_QUALITY, fine_colour=True)
    return copy, judge(copy, engine)


def too_large() -> str:
    """What is said of a file of more bytes than are taken."""
    return _("The file is larger than %(limit)s MiB. Use a smaller copy.") % {
        "limit": settings.MAX_IMAGE_BYTES // 2**20
    }


def judge(data: bytes, engine: Pipeline) -> Verdict:
    """Look at a stored copy. Never raises for bad data: an unreadable image is a verdict too."""
    try:
        image = decode(data, max_pixels=settings.MAX_IMAGE_PIXELS)
    except ImageError as error:
        return Verdict(Photo.Refusal.UNREADABLE, str(error))
    (faces,) = engine.analyse([image])
    return _judge_faces(faces)


def _delete_file(name: str) -> None:
    try:
        storage.delete(name)
    except storage.StorageUnavailableError as error:
        logger.error("a photo's file stays until orphans are collected: %s", error)  # noqa: TRY400 - its text is all


def store_vector(photo: Photo, face: EmbeddedFace, pack_id: str) -> None:
    """Keep the face's vector under the pack that made it, replacing an older one of the same pack."""
    Embedding.objects.update_or_create(
        photo=photo,
        pack_id=pack_id,
        defaults={"vector": np.asarray(face.vector, dtype="<f4").tobytes()},
    )


def _judge_faces(faces: Sequence[EmbeddedFace]) -> Verdict:
    if not faces:
        return Verdict(Photo.Refusal.NO_FACE, _("No face was found. Use a photo that shows the face from the front."))
    face, *others = sorted(faces, key=lambda one: one.quality.face_px, reverse=True)
    quality = face.quality
    rivals = sum(other.quality.face_px >= BYSTANDER_SHARE * quality.face_px for other in others)
    if rivals:
        return Verdict(
            Photo.Refusal.SEVERAL_FACES,
            _("%(n)s faces were found. Use a photo of this person alone, or cut it.") % {"n": rivals + 1},
            face,
        )
    if quality.face_px < MIN_FACE_PX:
        return Verdict(
            Photo.Refusal.TOO_SMALL,
            _("The face is %(width)s pixels wide; at least %(least)s are needed. Use a closer photo.")
            % {"width": round(quality.face_px), "least": MIN_FACE_PX},
            face,
        )
    if quality.sharpness < MIN_SHARPNESS:
        return Verdict(Photo.Refusal.TOO_BLURRED, _("The face is too blurred to recognise. Use a sharper photo."), face)
    return Verdict("", _("Accepted."), face)


def _columns(verdict: Verdict) -> dict:
    columns: dict = {"id": uuid.uuid4(), "refusal": verdict.refusal, "explanation": verdict.explanation}
    if verdict.face:
        quality = verdict.face.quality
        columns |= {
            "face_px": quality.face_px,
            "sharpness": quality.sharpness,
            "brightness": quality.brightness,
            "frontality": quality.frontality,
            "confidence": verdict.face.face.confidence,
        }
    return columns

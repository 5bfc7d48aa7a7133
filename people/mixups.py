"""Keeps what training found suspicious about photos and face ids, until somebody has looked at it."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from people import gallery
from people.models import Mixup, Photo
from recognition.engine import mixups
from recognition.engine.packs import Pack


def pending() -> QuerySet[Mixup]:
    """What nobody has looked at yet."""
    return Mixup.objects.filter(dismissed_at=None)


def look(pack: Pack) -> int:
    """Search the pack's vectors of everyone lawful; returns how many finds nobody has looked at yet."""
    vectors, labels, photos = gallery.read(pack)
    return record(mixups.find(vectors, labels, pack=pack), photos)


def record(found: mixups.Mixups, photos: Sequence[UUID]) -> int:
    """Replace what earlier trainings found, except what was dismissed; returns how many nobody has looked at yet.

    `photos`: of the vectors that were searched.
    """
    suspects = {photos[odd.index] for odd in found.photos} | {
        photos[index] for pair in found.people for index in pair.indexes
    }
    with transaction.atomic():
        pending().delete()
        dismissed = {mixup.subject for mixup in Mixup.objects.select_related("photo", "other_photo")}
        known = Photo.objects.in_bulk(suspects)
        new = {mixup.subject: mixup for mixup in _mixups(found, photos, known)}
        Mixup.objects.bulk_create(mixup for subject, mixup in new.items() if subject not in dismissed)
    return pending().count()


def _mixups(found: mixups.Mixups, photos: Sequence[UUID], known: Mapping[UUID, Photo]) -> Iterator[Mixup]:
    """One row for each find; a photo that was removed since its vector was read takes its questions with it."""
    for pair in found.people:
        photo, other = (known.get(photos[index]) for index in pair.indexes)
        if photo and other:
            yield Mixup(kind=Mixup.Kind.SAME_PERSON, photo=photo, other_photo=other, similarity=pair.similarity)
    for odd in found.photos:
        if photo := known.get(photos[odd.index]):
            yield Mixup(kind=Mixup.Kind.ODD_PHOTO, photo=photo, similarity=odd.similarity)


def dismiss(chosen: QuerySet[Mixup], user: User) -> int:
    """Say that all is well with these: they are not asked about again."""
    return chosen.filter(dismissed_at=None).update(dismissed_at=timezone.now(), dismissed_by=user)


def keep_answers(photo: Photo) -> None:
    """To be called before the photo is deleted: what was said of two people holds as long as each has another photo."""
    another = photo.person.photos.filter(refusal="").exclude(pk=photo.pk).first()
    if another:
        answers = Mixup.objects.filter(kind=Mixup.Kind.SAME_PERSON).exclude(dismissed_at=None)
        answers.filter(photo=photo).update(photo=another)
        answers.filter(other_photo=photo).update(other_photo=another)

"""Adds an edge node with its place, cameras and key: all of it or nothing."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.text import slugify

from access import audit
from access.models import ApiKey
from detections.models import Camera, CameraSettings, EdgeNode, Location

ID_LENGTH = 50


@dataclass(frozen=True)
class NewCamera:
    name: str
    video_source: str


@transaction.atomic
def join(
    name: str, place: str, new: Iterable[NewCamera], known: Iterable[Camera] = (), by: User | None = None
) -> tuple[EdgeNode, str]:
    """The node, and its key, which cannot be read again. The place is made if there is none of this name."""
    location, _ = Location.objects.get_or_create(name=place)
    node = EdgeNode.objects.create(name=name)
    cameras = [*known, *(_add(camera, location) for camera in new)]
    node.cameras.set(cameras)
    token = issue_key(node, by)
    audit.note(by, "add", audit.kind_of(node), [node.pk], cameras=[camera.pk for camera in cameras])
    return node, token


def issue_key(node: EdgeNode, by: User | None) -> str:
    """One more key for the node, given as long a life as the newest it has.

    Raises:
        NotRotatableError: it has as many live ones as a program may.
    """
    key = ApiKey(name=f"edge node {node}"[:100], scope=ApiKey.Scope.EDGE, created_by=by)
    earlier = node.keys.first()
    if earlier:
        key.follow(earlier.lineage)
    token = key.issue()
    node.keys.add(key)
    return token


def _add(camera: NewCamera, location: Location) -> Camera:
    row = Camera.objects.create(id=_free_id(camera.name), name=camera.name, location=location)
    if camera.video_source:
        CameraSettings.objects.create(camera=row, video_source=camera.video_source)
    return row


def _free_id(name: str) -> str:
    """From the name, for people to recognise it by, with a number if another camera has it."""
    stem = slugify(name)[: ID_LENGTH - 6].strip("-") or "camera"
    taken = set(Camera.objects.filter(pk__startswith=stem).values_list("pk", flat=True))
    if stem not in taken:
        return stem
    numbers = [int(found[1]) for one in taken if (found := re.fullmatch(rf"{re.escape(stem)}-(\d{{1,5}})", one))]
    return f"{stem}-{max(numbers, default=1) + 1}"

"""What edge nodes are told, and what they tell: who is still before a camera, and how the node itself is."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from access.models import ApiKey
from detections import lastseen, silence
from detections.ingest import CLOCK_TOLERANCE
from detections.models import Camera, CameraSettings, CameraStatus, Detection, EdgeNode, Track
from people.models import Person

SETTINGS = (
    "target_fps", "skip_frames", "min_size", "max_size", "min_confidence", "motion", "detector", "codec",
)  # fmt: skip
STATES = ("named", "unknown", "pending", "refused")
TrackKey = tuple[str, str]  # camera id, and the node's name for the track


def node_of(sender: User | ApiKey) -> EdgeNode | None:
    """The node that a key belongs to; people and other keys have none."""
    return EdgeNode.objects.filter(keys=sender).first() if isinstance(sender, ApiKey) else None


def describe(node: EdgeNode) -> dict:
    """The node's cameras and how to watch them. The version changes whenever anything of it does."""
    cameras = [_describe(camera) for camera in node.cameras.select_related("location", "settings")]
    version = hashlib.sha256(json.dumps([node.name, cameras]).encode()).hexdigest()[:12]
    return {"name": node.name, "settings_version": version, "cameras": cameras}


def _describe(camera: Camera) -> dict:
    chosen = getattr(camera, "settings", None) or CameraSettings()
    settings = {name: getattr(chosen, name) for name in SETTINGS}
    return {
        "id": camera.pk,
        "name": camera.name,
        "location": camera.location.name,
        "is_active": camera.is_active,
        "video_source": chosen.video_source,
        "settings": {name: value for name, value in settings.items() if value not in {None, ""}},
    }


def hear(
    sender: User | ApiKey,
    cameras: Mapping[str, Camera],
    tracks: Sequence[TrackKey],
    beats: Mapping[TrackKey, datetime],
    figures: Mapping | None,
) -> dict:
    """Take in what a node tells beside crops; the answer says how each of `tracks` stands, and nothing of who it is.
    `cameras`: what the sender may send for, by id.

    "named", "unknown", "pending" (not decided yet), or "refused": not a camera of the sender, nothing was noted.
    """
    latest = timezone.now() + CLOCK_TOLERANCE
    mine = {key: at for key, at in beats.items() if key[0] in cameras and at <= latest}
    # Figures of a camera that is not well are no sign of its life.
    well = {one["camera"] for one in (figures or {}).get("cameras", ()) if not one["error"]}
    silence.heard(cameras.keys() & (well | {camera for camera, _ in mine}))
    _still_there(mine)
    found = _tracks([key for key in tracks if key[0] in cameras])
    answer: dict = {"tracks": [_state(found.get(key)) if key[0] in cameras else "refused" for key in tracks]}
    if figures is not None and (node := node_of(sender)):
        _note(node, cameras, figures)
        answer["settings_version"] = describe(node)["settings_version"]
    return answer


def _tracks(keys: Collection[TrackKey]) -> dict[TrackKey, Track]:
    chosen = Q(camera__in={camera for camera, _ in keys}, key__in={key for _, key in keys})
    return {(track.camera_id, track.key): track for track in Track.objects.filter(chosen)} if keys else {}


def _state(track: Track | None) -> str:
    if track is None or not track.detection_count:
        return "pending"
    return "named" if track.person_id else "unknown"


def _still_there(beats: Mapping[TrackKey, datetime]) -> None:
    """Move the ends of tracks forward, and with them where their people were last seen."""
    found = _tracks(beats)
    moved = {track.pk: at for key, at in beats.items() if (track := found.get(key)) and at > track.ended_at}
    if not moved:
        return
    with transaction.atomic():
        # People before tracks, as everywhere. Who was named only now has been seen by a detection as well.
        named = {track.person_id for track in found.values() if track.pk in moved} - {None}
        people = {
            person.pk for person in Person.objects.select_for_update(no_key=True).filter(pk__in=named).order_by("pk")
            if person.is_lawful
        }  # fmt: skip
        locked = Track.objects.select_for_update(no_key=True).filter(pk__in=moved).order_by("pk")
        # Of somebody who may no longer be recognised nothing is added to what was lawfully recorded.
        tracks = [track for track in locked if track.person_id not in named - people]
        for track in tracks:
            track.ended_at = max(track.ended_at, moved[track.pk])
        Track.objects.bulk_update(tracks, ["ended_at"])
        lastseen.update(Detection.objects.filter(track__in=moved, person__in=people).select_related("track"))


def _note(node: EdgeNode, cameras: Collection[str], figures: Mapping) -> None:
    """Keep the node's latest figures, and those of its cameras."""
    now = timezone.now()
    own = {name: value for name, value in figures.items() if name != "cameras"}
    EdgeNode.objects.filter(pk=node.pk).update(**own, reported_at=now)
    rows = {
        one["camera"]: CameraStatus(camera_id=one.pop("camera"), reported_at=now, **one)
        for one in map(dict, figures["cameras"])
        if one["camera"] in cameras
    }
    fields = [field.name for field in CameraStatus._meta.concrete_fields if not field.primary_key]  # noqa: SLF001
    CameraStatus.objects.bulk_create(
        rows.values(), update_conflicts=True, unique_fields=["camera"], update_fields=fields
    )

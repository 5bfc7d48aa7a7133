"""What other systems are told of, and which of them. Call these in the transaction that writes what happened."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from detections.models import Camera, Delivery, Detection, ExternalServer, Track
from recognition import wakeup

Event = Delivery.Event

# Turns "this event, to this server" into the id of the delivery.
NAMESPACE = uuid.UUID("5b0f5a1e-8f0c-4d39-9d6c-6f3f0c3f2a77")
# The first crop of a track is often not its best: an unknown may have a name a moment later, and is then withdrawn.
UNKNOWN_SETTLES_IN = timedelta(seconds=10)
_WANTED = {
    Event.RESULT: "wants_results",
    Event.PERSON_SEEN: "wants_person_seen",
    Event.UNKNOWN_SEEN: "wants_unknown_seen",
    Event.CAMERA_SILENT: "wants_camera_silent",
    Event.CAMERA_BACK: "wants_camera_silent",
}


@dataclass(frozen=True)
class Happening:
    """An event. `subject`: what it is about, as text that is the same whenever the event is noticed again."""

    event: Delivery.Event
    subject: str
    camera_id: str
    about: dict[str, object]
    not_before: timedelta = field(default=timedelta())


def recorded(detections: Iterable[Detection], tracks: Iterable[Track], results: Iterable[Detection]) -> None:
    """These faces were written down, and who these tracks are; `results`: the faces that came by `send-results`."""
    happenings = [Happening(Event.RESULT, str(one.pk), one.camera_id, {"detection": one}) for one in results]
    happenings += [_on_track(one) for one in tracks]
    happenings += [_alone(one) for one in detections if one.track_id is None]
    _queue(happenings)


def camera_silent(camera: Camera) -> None:
    """The camera has not been heard since `silent_since`."""
    _queue([_of_camera(Event.CAMERA_SILENT, camera)])


def camera_back(camera: Camera) -> None:
    """The camera that had not been heard since `silent_since` is heard again."""
    _queue([_of_camera(Event.CAMERA_BACK, camera)])


def _on_track(track: Track) -> Happening:
    if track.person_id is None:
        return Happening(Event.UNKNOWN_SEEN, f"track {track.pk}", track.camera_id, {"track": track}, UNKNOWN_SETTLES_IN)
    about = {"track": track, "person_id": track.person_id}
    return Happening(Event.PERSON_SEEN, f"track {track.pk} {track.person_id}", track.camera_id, about)


def _alone(detection: Detection) -> Happening:
    event = Event.PERSON_SEEN if detection.person_id else Event.UNKNOWN_SEEN
    about = {"detection": detection, "person_id": detection.person_id}
    return Happening(event, f"detection {detection.pk}", detection.camera_id, about)


def _of_camera(event: Delivery.Event, camera: Camera) -> Happening:
    about = {"camera": camera, "since": camera.silent_since}
    return Happening(event, f"{camera.pk} {camera.silent_since.isoformat()}", camera.pk, about)


def _queue(happenings: Collection[Happening]) -> None:
    if not happenings:
        return
    servers = ExternalServer.objects.filter(is_active=True).prefetch_related("cameras")
    deliveries = []
    for server in servers:
        cameras = {camera.pk for camera in server.cameras.all()}
        deliveries += [
            Delivery(
                id=uuid.uuid5(NAMESPACE, f"{server.pk} {one.event} {one.subject}"),
                server=server,
                event=one.event,
                due_at=Now() + one.not_before,
                **one.about,
            )
            for one in happenings
            if getattr(server, _WANTED[one.event]) and (not cameras or one.camera_id in cameras)
        ]
    if deliveries:
        Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)
        transaction.on_commit(lambda: wakeup.wake(wakeup.DELIVERY))

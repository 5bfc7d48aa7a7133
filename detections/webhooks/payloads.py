"""What a receiver is told. Built when it is sent: what was erased, or found to be otherwise, is not told."""

from datetime import datetime

from detections.models import Camera, Delivery, Detection, Track

Event = Delivery.Event


def payload(delivery: Delivery) -> dict | None:
    """The body of a webhook; None: what it would tell is not so any more."""
    if delivery.event == Event.RESULT:
        return _body(delivery, delivery.detection.captured_at, _result(delivery.detection))
    if delivery.camera:
        return _body(delivery, delivery.created_at, _of_camera(delivery, delivery.camera))
    on = delivery.track or delivery.detection
    if on.person_id != delivery.person_id:
        return None
    return _body(delivery, on.captured_at, _seen(on))


def _body(delivery: Delivery, at: datetime, data: dict) -> dict:
    return {"type": delivery.event, "timestamp": at.isoformat(), "data": data}


def _result(detection: Detection) -> dict:
    return {
        "id": str(detection.pk),
        "crop": str(detection.crop_id),
        "face_id": detection.person.face_id if detection.person else None,
        "probability": detection.probability,
        "camera": detection.camera_id,
        "location": detection.camera.location.name,
        "captured_at": detection.captured_at.isoformat(),
        "track": detection.track.key if detection.track else None,
        "box": detection.box,
        "frame_box": detection.frame_box,
    }


def _seen(on: Track | Detection) -> dict:
    is_track = isinstance(on, Track)
    return {
        "face_id": on.person.face_id if on.person else None,
        "probability": on.probability,
        "camera": on.camera_id,
        "location": on.camera.location.name,
        "captured_at": on.captured_at.isoformat(),
        "track": on.key if is_track else None,
        "detection": None if is_track else str(on.pk),
    }


def _of_camera(delivery: Delivery, camera: Camera) -> dict:
    return {
        "camera": camera.pk,
        "name": camera.name,
        "location": camera.location.name,
        "last_heard_at": delivery.since.isoformat(),
    }

"""How edge nodes and their cameras are, by what they told last."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db.models import Prefetch
from django.utils import timezone

from access.models import ApiKey
from detections.models import Camera, CameraStatus, EdgeNode

# A key that ends sooner is to be replaced now: somebody has to go to the box.
KEY_ENDS_SOON = timedelta(days=14)
# Capture times are corrected by the server's clock, so this is about logs that can be read.
CLOCK_IS_OFF = timedelta(seconds=30)


class State(StrEnum):
    REFUSED = "refused"  # none of the node's keys is live
    SILENT = "silent"
    TROUBLE = "trouble"  # alive, and says what is wrong
    NEW = "new"  # not heard yet
    OFF = "off"
    ALIVE = "alive"


_HEARD = {State.ALIVE, State.TROUBLE}


@dataclass(frozen=True)
class Watched:
    """A camera and what its node told of it last, if it did."""

    camera: Camera
    state: State
    status: CameraStatus | None

    @property
    def is_unwell(self) -> bool:
        return self.state in {State.SILENT, State.TROUBLE}


@dataclass(frozen=True)
class Box:
    """An edge node with its cameras. `saved`: bytes, of the cameras' video, less what was sent."""

    node: EdgeNode
    state: State
    cameras: Sequence[Watched]
    keys: Sequence[ApiKey]
    heard_at: datetime | None

    @property
    def saved(self) -> int:
        return sum(one.status.bytes_saved for one in self.cameras if one.status)

    @property
    def video(self) -> int:
        """What the cameras' video would have taken."""
        return self.saved + self.node.bytes_sent

    @property
    def times_less(self) -> int:
        """How many times as much the video is; 0: not to be told yet."""
        return round(self.video / self.node.bytes_sent) if self.saved > 0 and self.node.bytes_sent else 0

    @property
    def key_ends_at(self) -> datetime | None:
        """When the last of its live keys ends; None: never, or there is none."""
        ends = [key.expires_at for key in self.keys]
        return None if None in ends else max(ends, default=None)

    @property
    def key_ends_soon(self) -> bool:
        return self.key_ends_at is not None and self.key_ends_at < timezone.now() + KEY_ENDS_SOON

    @property
    def clock_off_by(self) -> float:
        return abs(self.node.clock_offset_s)

    @property
    def clock_is_off(self) -> bool:
        return self.clock_off_by > CLOCK_IS_OFF.total_seconds()


@dataclass(frozen=True)
class Fleet:
    """All of them; `loose`: cameras that no node has."""

    boxes: Sequence[Box]
    loose: Sequence[Watched]

    def cameras(self) -> Iterator[Watched]:
        """Each once, whichever nodes have it."""
        seen = set()
        for one in (*(one for box in self.boxes for one in box.cameras), *self.loose):
            if one.camera.pk not in seen:
                seen.add(one.camera.pk)
                yield one

    @property
    def nodes_alive(self) -> int:
        return sum(box.state in _HEARD for box in self.boxes)

    @property
    def cameras_alive(self) -> int:
        return sum(one.state in _HEARD for one in self.cameras())

    @property
    def camera_count(self) -> int:
        return sum(1 for _ in self.cameras())

    @property
    def sent(self) -> int:
        return sum(box.node.bytes_sent for box in self.boxes)

    @property
    def saved(self) -> int:
        """By each camera once, although two nodes may have it."""
        cameras = {one.camera.pk: one for box in self.boxes for one in box.cameras}
        return sum(one.status.bytes_saved for one in cameras.values() if one.status)


def fleet(**chosen: object) -> Fleet:
    """Every node, or those chosen by fields; then without the cameras of no node. A few queries, however many."""
    cameras = Camera.objects.select_related("location", "status")
    nodes = EdgeNode.objects.filter(**chosen).prefetch_related(Prefetch("cameras", cameras), "keys")
    loose = () if chosen else [watched(camera) for camera in cameras.filter(nodes=None)]
    return Fleet([_box(node) for node in nodes], loose)


def watched(camera: Camera) -> Watched:
    status = getattr(camera, "status", None)
    return Watched(camera, _state_of_camera(camera, status), status)


def _state_of_camera(camera: Camera, status: CameraStatus | None) -> State:
    if not camera.is_active:
        return State.OFF
    if camera.silent_since:
        return State.SILENT
    if status and status.error:
        return State.TROUBLE
    return State.ALIVE if camera.heard_at else State.NEW


def _box(node: EdgeNode) -> Box:
    cameras = [watched(camera) for camera in node.cameras.all()]
    keys = [key for key in node.keys.all() if key.is_live]
    heard_at = max((at for at in (node.last_seen_at, node.reported_at) if at), default=None)
    return Box(node, _state_of_node(node, heard_at, keys, cameras), cameras, keys, heard_at)


def _state_of_node(
    node: EdgeNode, heard_at: datetime | None, keys: Sequence[ApiKey], cameras: Sequence[Watched]
) -> State:
    if not keys:
        return State.REFUSED
    if heard_at is None:
        return State.NEW
    if heard_at < timezone.now() - timedelta(minutes=settings.CAMERA_SILENT_MINUTES):
        return State.SILENT
    if node.last_error or any(one.is_unwell for one in cameras):
        return State.TROUBLE
    return State.ALIVE

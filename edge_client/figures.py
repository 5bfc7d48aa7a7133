"""What a node tells of itself, on its status page and to the server. Nothing personal, no addresses."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import edge_client

LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStats:
    """One camera's latest figures. `bytes_saved`: of its video, less what was sent; `error`: if it is not well now."""

    camera: str
    frames_per_second: float = 0.0
    faces_per_minute: float = 0.0
    bytes_saved: int = 0
    last_crop_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class NodeStats:
    """All cameras of the node."""

    cameras: tuple[CameraStats, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxStatus:
    """Crops that wait, what became of the others since the start, and how the link is.

    `refused`: the server does not accept the key now. `settings_version` changes with the cameras' settings on the
    server; None: not heard yet.
    """

    queued: int
    spool_bytes: int
    dropped: int
    rejected: int
    sent: int
    bytes_sent: int
    last_error: str
    clock_offset_s: float | None
    last_contact: datetime | None
    refused: bool
    settings_version: str | None


def report(stats: NodeStats, status: OutboxStatus) -> dict[str, object]:
    """As the server reads it, times on its clock. What is zero or empty is left out: the link is thin."""
    ahead = timedelta(seconds=status.clock_offset_s or 0)
    node = {
        "version": edge_client.__version__,
        "queued": status.queued,
        "spool_bytes": status.spool_bytes,
        "dropped": status.dropped,
        "rejected": status.rejected,
        "bytes_sent": status.bytes_sent,
        "last_error": status.last_error,
        "clock_offset_s": status.clock_offset_s and round(status.clock_offset_s, 1),
        "cameras": [
            _brief(asdict(camera) | {"last_crop_at": camera.last_crop_at and camera.last_crop_at + ahead})
            for camera in stats.cameras
        ],
    }
    return _brief(node)


def _brief(values: dict[str, object]) -> dict[str, object]:
    return {name: _short(value) for name, value in values.items() if value}


def _short(value: object) -> object:
    """As few characters as say it, and no more than the server takes."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    return round(value, 1) if isinstance(value, float) else value

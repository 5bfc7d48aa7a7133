"""Crops as a camera would submit them."""

from datetime import UTC, datetime

from edge_client.bundle import Crop

TAKEN = datetime(2026, 11, 23, 4, 0, 0, 123456, tzinfo=UTC)


def crop(number: int = 0, **changes: object) -> Crop:
    settings = {
        "camera": "entrance", "captured_at": TAKEN, "box": (10.04, 20, 60, 80), "frame_size": (640, 480),
        "track": f"track-{number}", "confidence": 0.98765, "image": b"\xff\xd8\xff" + bytes([number % 256]) * 300,
        "codec": "jpeg",
    }  # fmt: skip
    return Crop(**settings | changes)

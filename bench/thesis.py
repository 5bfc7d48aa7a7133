"""The method that facesite replaces: 6 frames a second, each face of at least 30 pixels as a JPEG file in a request."""

import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import cv2
import requests

from edge_client import codec
from edge_client.detector import Face, FaceDetector, MtcnnFinder
from edge_client.settings import CameraSettings
from edge_client.source import open_frames

FPS = 6.0
MIN_FACE_PX = 30.0
PROPOSAL_THRESHOLD = 0.6  # MTCNN's usual one
REFUSED_CROP = 400
MBPS_4 = 4e6 / 8  # bytes per second of the video stream that it was compared with


@dataclass(frozen=True, eq=False)
class Sighting:
    """A face in one frame of a video, at `seconds`, and its crop as a JPEG file."""

    seconds: float
    face: Face
    frame_size: tuple[int, int]
    image: bytes
    id: str = field(default_factory=lambda: str(uuid4()))


def sightings(video: Path, models: Path, longest: float) -> Iterator[Sighting]:
    """Those of the first `longest` seconds. Raises SourceError, ConfigError."""
    detector = FaceDetector(
        MtcnnFinder(models, proposal_threshold=PROPOSAL_THRESHOLD), CameraSettings(min_size=MIN_FACE_PX)
    )
    for frame in open_frames(video, threading.Event(), target_fps=FPS):
        if frame.seconds > longest:
            return
        for face in detector.search(frame.image):
            crop = codec.crop(frame.image, face.box, max_side=max(frame.image.shape))
            # In the quality that OpenCV writes if nobody chooses one.
            image = cv2.imencode(".jpg", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))[1].tobytes()
            yield Sighting(frame.seconds, face, frame.image.shape[1::-1], image)


def send(url: str, key: str, camera: str, found: Iterable[Sighting], authority: Path) -> None:
    """Each in its own request, over one kept-alive connection, which flatters the method: it costs one handshake.

    Raises requests.RequestException.
    """
    begun = datetime.now(UTC) - timedelta(hours=1)
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {key}"
        for one in found:
            crop = {
                "id": one.id,
                "camera": camera,
                "captured_at": (begun + timedelta(seconds=one.seconds)).isoformat(),
                "box": [round(value) for value in one.face.box],
                "frame_size": one.frame_size,
            }
            answer = session.post(
                f"{url}/api/v1/face-recognition/store-results",
                data={"metadata": json.dumps({"crops": [crop]})},
                files={one.id: ("crop.jpg", one.image, "image/jpeg")},
                timeout=60,
                verify=str(authority),
            )
            if answer.status_code != REFUSED_CROP:
                answer.raise_for_status()

"""How the programs that somebody watches look at video: frames and faces as their options say."""

import threading
from argparse import Namespace
from collections.abc import Generator

from edge_client.config import models_from
from edge_client.detector import FaceDetector
from edge_client.models import Networks
from edge_client.settings import SETTINGS, CameraSettings, merge, parse_source
from edge_client.source import Frame, open_frames


def settings_from(options: Namespace, **defaults: object) -> CameraSettings:
    """The options, and `defaults` where they say nothing. Raises ConfigError."""
    return merge("options", {key: getattr(options, key, None) for key in SETTINGS}, defaults)


def detector_from(options: Namespace, settings: CameraSettings) -> FaceDetector:
    """Raises ConfigError where the detector's networks are missing or damaged."""
    return FaceDetector(Networks(models_from(options)).finder(settings.detector), settings)


def frames_from(options: Namespace, stop: threading.Event, *, watched: bool = False) -> Generator[Frame]:
    """The frames; close it. A file that is watched plays at its own pace. Raises ConfigError, SourceError."""
    return open_frames(
        parse_source(options.video_source),
        stop,
        skip_frames=options.skip_frames or 0,
        target_fps=options.target_fps,
        realtime=options.realtime or options.loop or watched,
        loop=options.loop,
    )

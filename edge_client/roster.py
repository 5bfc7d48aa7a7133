"""Which cameras a node watches, and how: what the operator states, completed by what the server says."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from edge_client.config import NodeConfig
from edge_client.server import NodeSettings, RefusedError, RemoteCamera
from edge_client.settings import CameraConfig, ConfigError, StatedCamera, VideoSource, merge, parse_source

log = logging.getLogger(__name__)

# What a server may make a node open: no files, of which a video library would read many kinds.
_SCHEMES = {"rtsp", "rtsps", "rtmp", "http", "https"}


class _NoSourceError(ConfigError):
    """Nobody says where the camera's video comes from."""


def roster(
    config: NodeConfig,
    told: NodeSettings | None,
    leave_out: Callable[[str], None] = log.error,
    *,
    before: Sequence[CameraConfig] = (),
) -> tuple[CameraConfig, ...]:
    """The cameras to watch. `told`: what the server says; None while it cannot be reached.

    Raises RefusedError: the one camera that was asked for is none of the node's. A camera among others that cannot be
    watched as it is set goes on as `before` if it was watched, else it is left out; `leave_out` is told why.
    """
    remote = {camera.id: camera for camera in told.cameras} if told else {}
    names = list(config.cameras) + [name for name in remote if name not in config.cameras and not config.only_stated]
    cameras = []
    for name in names:
        if told and name not in remote:
            known = ", ".join(sorted(remote)[:10]) or "none"
            refusal = f"the server has no camera {name!r} for this key; cameras: {known}"
            if config.only_stated:
                raise RefusedError(refusal)
            leave_out(refusal)
            continue
        try:
            if camera := _camera(name, config, remote.get(name)):
                cameras.append(camera)
        except ConfigError as error:
            if config.only_stated:
                raise
            leave_out(str(error))
            if not (told and isinstance(error, _NoSourceError)):  # else an administrator has taken it away
                cameras += [camera for camera in before if camera.id == name]
    return tuple(cameras)


def _camera(name: str, config: NodeConfig, remote: RemoteCamera | None) -> CameraConfig | None:
    """None where it is not to be watched. Raises ConfigError."""
    if remote and not remote.is_active:
        log.warning("camera %s: the server has switched it off", name)
        return None
    stated = config.cameras.get(name, StatedCamera())
    source = stated.source
    if source is None:
        source = _remote_source(name, remote.video_source if remote else "")
    settings = merge(f"camera {name}", stated.settings, config.defaults, remote.settings if remote else {})
    return CameraConfig(id=name, source=source, settings=settings, realtime=stated.realtime, loop=stated.loop)


def _remote_source(name: str, text: str) -> VideoSource:
    if not text:
        raise _NoSourceError(f"camera {name} has no video source: state one in the node's file, or on the server")
    if not text.isdecimal() and text.partition("://")[0].lower() not in _SCHEMES:
        raise ConfigError(f"camera {name}: the server names a video source that is no stream and no webcam")
    source = parse_source(text)
    assert not isinstance(source, Path)  # noqa: S101
    return source

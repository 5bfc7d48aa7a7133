"""How a camera is watched: what the operator stated, else what the server says, else the defaults below."""

import math
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

CodecName = Literal["jpeg", "webp", "avif"]
DetectorName = Literal["mtcnn", "yunet", "ultralight"]
VideoSource = int | str | Path  # webcam index, stream address or file

BOUNDS: dict[str, tuple[type[int | float], float, float]] = {
    "skip_frames": (int, 0, math.inf),
    "target_fps": (float, 0.01, math.inf),
    "min_size": (float, 12, math.inf),
    "max_size": (float, 12, math.inf),
    "min_confidence": (float, 0, 1),
}
CHOICES: dict[str, tuple[str, ...]] = {"codec": get_args(CodecName), "detector": get_args(DetectorName)}


class ConfigError(Exception):
    """The operator must change an option or a setting; the message says which and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSettings:
    """Sizes are pixels of the frame. Without `target_fps` every frame is analysed that the machine has time for."""

    skip_frames: int = 0
    target_fps: float | None = None
    min_size: float = 40.0
    max_size: float | None = None
    min_confidence: float = 0.9
    motion: bool = True
    detector: DetectorName = "mtcnn"
    codec: CodecName = "webp"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedCamera:
    """What the operator states of a camera; the server may say the rest."""

    source: VideoSource | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    realtime: bool = False
    loop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraConfig:
    """One camera. `realtime` and `loop` are for files, which else are read at full speed, once."""

    id: str
    source: VideoSource
    settings: CameraSettings
    realtime: bool = False
    loop: bool = False

    @property
    def is_live(self) -> bool:
        """Whether frames that nobody has time for are dropped."""
        return self.realtime or not isinstance(self.source, Path)


SETTINGS = tuple(field.name for field in fields(CameraSettings))


def merge(where: str, *layers: Mapping[str, Any]) -> CameraSettings:
    """Settings from several sources, of which the first that states one decides; None states nothing.

    `where` names the camera in messages. Raises ConfigError.
    """
    stated = ChainMap(*({key: value for key, value in layer.items() if value is not None} for layer in layers))
    settings = CameraSettings(**{key: check(where, key, stated[key]) for key in SETTINGS if key in stated})
    if settings.max_size is not None and settings.max_size <= settings.min_size:
        raise ConfigError(f"{where}: max_size must be larger than min_size")
    return settings


def check(where: str, key: str, value: object) -> Any:
    """The value as its setting wants it. Raises ConfigError."""
    if key not in SETTINGS:
        raise ConfigError(f"{where}: there is no setting {key}; there are {', '.join(SETTINGS)}")
    if key in BOUNDS:
        kind, least, most = BOUNDS[key]
        wanted = (int, float) if kind is float else (int,)
        if isinstance(value, bool) or not isinstance(value, wanted) or not least <= value <= most:
            bounds = f"from {least:g} to {most:g}" if most < math.inf else f"of at least {least:g}"
            raise ConfigError(f"{where}: {key} must be {'a' if kind is float else 'a whole'} number {bounds}")
        return kind(value)
    if key in CHOICES:
        if value not in CHOICES[key]:
            raise ConfigError(f"{where}: {key} must be one of {', '.join(CHOICES[key])}")
    elif not isinstance(value, bool):
        raise ConfigError(f"{where}: {key} must be true or false")
    return value


def parse_source(text: str, *, beside: Path = Path()) -> VideoSource:
    """Digits are a webcam, an address with a scheme is a stream, the rest is a file in the folder `beside`.

    Raises:
        ConfigError: there is no such file.
    """
    if text.isdecimal():
        return int(text)
    if "://" in text:
        return text
    path = beside / text
    if not path.is_file():
        raise ConfigError(f"video source: there is no file {path}")
    return path


def public_name(source: VideoSource) -> str:
    """The source's name for logs, without the user name and password that camera addresses often carry."""
    if isinstance(source, int):
        return f"webcam {source}"
    if isinstance(source, Path):
        return str(source)
    scheme, _, rest = source.partition("://")
    secret, _, place = rest.rpartition("@")
    # With one of these before an @, nobody can tell a path from a password: people forget to escape them.
    if set("/?") & set(secret):
        return f"{scheme}://…"
    host, slash, path = place.partition("?")[0].partition("/")
    # Some cameras take user name and password in the path.
    return f"{scheme}://{host}{slash}{'…' if set('=&;:') & set(path) else path}"

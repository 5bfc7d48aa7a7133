"""What the operator asked for, in a file or in options, checked before anything starts."""

import os
import tomllib
from argparse import Namespace
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edge_client.settings import (
    CHOICES,
    SETTINGS,
    ConfigError,
    DetectorName,
    StatedCamera,
    check,
    parse_source,
)

KEY_VARIABLE = "FACESITE_EDGE_KEY"
MODELS_VARIABLE = "FACESITE_DETECTOR_MODELS"
DEFAULT_MODELS = "var/packs/dlib-resnet"
STATUS_PORT = 8321
_STATE = Path(os.environ.get("STATE_DIRECTORY") or "var/edge")  # set by systemd
DEFAULT_SPOOL = _STATE / "spool.sqlite3"
DEFAULT_CACHE = _STATE / "models"
_MB = 1_000_000
_MOST_PORT = 65535

_TOP = {"server", "key_file", "status_port", "spool", "spool_mb", "detectors", "defaults", "cameras"}
_WORDS = {str: "text", int: "a whole number from 0", bool: "true or false", dict: "a table"}


@dataclass(frozen=True, slots=True)
class SpoolConfig:
    """Where crops wait for the server, and how many bytes they may take there."""

    path: Path = DEFAULT_SPOOL
    max_bytes: int = 256 * _MB


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where a detector's networks are: a folder, a file, or an https address with the file's SHA-256."""

    place: str
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """One node. `only_stated`: it watches no further cameras that the server has for it.

    `patient`: a live source that is not there at the start is waited for, so that the other cameras go on.
    """

    server: str
    key: str = field(repr=False)
    cameras: Mapping[str, StatedCamera]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    detectors: Mapping[DetectorName, ModelFiles] = field(default_factory=dict)
    spool: SpoolConfig = field(default_factory=SpoolConfig)
    status_port: int | None = None
    only_stated: bool = False
    patient: bool = True


def from_options(options: Namespace) -> NodeConfig:
    """The configuration in a file, or of the one camera of the options. Raises ConfigError."""
    if options.config:
        return load(options.config)
    for name in ("server", "camera", "video_source"):
        if getattr(options, name) is None:
            raise ConfigError(f"name --{name.replace('_', '-')}, or a file of settings with --config")
    camera = StatedCamera(
        source=parse_source(options.video_source),
        settings={key: getattr(options, key) for key in SETTINGS},
        realtime=options.realtime or options.loop,
        loop=options.loop,
    )
    if options.loop and not isinstance(camera.source, Path):
        raise ConfigError("--loop is for video files: streams and webcams never end")
    return NodeConfig(
        server=server_address(options.server),
        key=read_key(options.key_file),
        cameras={options.camera: camera},
        detectors=models_from(options),
        spool=SpoolConfig(options.spool),
        status_port=options.status_port,
        only_stated=True,
        patient=False,
    )


def models_from(options: Namespace) -> dict[DetectorName, ModelFiles]:
    """The models that options name."""
    place = options.detector_models
    return {options.detector or "mtcnn": ModelFiles(place, options.detector_sha256)} if place else {}


def load(path: Path) -> NodeConfig:
    """The configuration in a TOML file; its relative paths start at the file's folder. Raises ConfigError."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    table = _Table(str(path), content, _TOP)
    folder = path.parent
    defaults = _Table(f"{path}: defaults", table.get("defaults", dict, {}), SETTINGS)
    key_file, spool = table.get("key_file", str, ""), table.get("spool", str, "")
    status_port = table.get("status_port", int, STATUS_PORT)
    if status_port > _MOST_PORT:
        raise ConfigError(f"{path}: status_port must be a whole number from 0 to {_MOST_PORT}")
    return NodeConfig(
        server=server_address(table.get("server", str)),
        key=read_key(folder / key_file if key_file else None),
        cameras={name: _camera(path, name, body) for name, body in table.get("cameras", dict, {}).items()},
        defaults={key: check(defaults.where, key, value) for key, value in defaults.content.items()},
        detectors={name: _models(path, name, body) for name, body in table.get("detectors", dict, {}).items()},
        spool=SpoolConfig(folder / spool if spool else DEFAULT_SPOOL, table.get("spool_mb", int, 256) * _MB),
        status_port=status_port or None,
    )


class _Table:
    """One table of a file, read with words for what is wrong."""

    def __init__(self, where: str, content: Any, known: Collection[str]) -> None:
        if not isinstance(content, dict):
            raise ConfigError(f"{where}: this must be a table")
        if unknown := sorted(set(content) - set(known)):
            raise ConfigError(f"{where}: there is no {unknown[0]}; there are {', '.join(sorted(known))}")
        self.where, self.content = where, content

    def get(self, key: str, kind: type[Any], default: object = None) -> Any:
        value: Any = self.content.get(key, default)
        if value is None:
            raise ConfigError(f"{self.where}: {key} is missing")
        if not isinstance(value, kind) or (kind is int and (value is True or value is False or value < 0)):
            raise ConfigError(f"{self.where}: {key} must be {_WORDS[kind]}")
        return value


def _camera(file: Path, name: str, content: object) -> StatedCamera:
    table = _Table(f"{file}: cameras.{name}", content, {"source", "realtime", "loop", *SETTINGS})
    source = table.get("source", str, "")
    loop = table.get("loop", bool, False)
    return StatedCamera(
        source=parse_source(source, beside=file.parent) if source else None,
        settings={key: check(table.where, key, value) for key, value in table.content.items() if key in SETTINGS},
        realtime=loop or table.get("realtime", bool, False),
        loop=loop,
    )


def _models(file: Path, name: str, content: object) -> ModelFiles:
    if name not in CHOICES["detector"]:
        raise ConfigError(f"{file}: there is no detector {name}; there are {', '.join(CHOICES['detector'])}")
    table = _Table(f"{file}: detectors.{name}", content, {"models", "sha256"})
    place = table.get("models", str)
    return ModelFiles(place if "://" in place else str(file.parent / place), table.get("sha256", str, ""))


def server_address(url: str) -> str:
    """The address without a slash at its end. Raises ConfigError."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a malformed port or IPv6 address
        valid = False
    if not valid:
        raise ConfigError(f"server: {url} is not an address such as https://faces.example.org")
    return url.rstrip("/")


def read_key(path: Path | None) -> str:
    """The API key in a file, or without one in the environment. Raises ConfigError."""
    if path:
        try:
            key = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the key's file: cannot read {path}: {error}") from error
    else:
        key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise ConfigError(f"no API key: name a file that holds it (--key-file, key_file), or set {KEY_VARIABLE}")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError("the API key holds characters that no key has: copy it again, alone, on one line")
    return key

"""What the operator asked for, checked before anything starts."""

import os
from argparse import Namespace
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

KEY_VARIABLE = "FACESITE_EDGE_KEY"
MODELS_VARIABLE = "FACESITE_DETECTOR_MODELS"
DEFAULT_MODELS = Path("var/packs/dlib-resnet")
MODEL_FILES = ("pnet.onnx", "rnet.onnx", "onet.onnx")

CodecName = Literal["jpeg", "webp"]
VideoSource = int | str | Path  # webcam index, stream address or file


class ConfigError(Exception):
    """The operator must change an option; the message says which and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Settings of one camera's agent. Sizes are pixels of the frame."""

    server: str
    key: str = field(repr=False)
    camera: str
    source: VideoSource
    models: Path
    skip_frames: int
    target_fps: float | None
    min_size: float
    max_size: float | None
    min_confidence: float
    loop: bool
    realtime: bool
    codec: CodecName


def from_options(options: Namespace) -> Config:
    """Check the options of the `run` command. Raises ConfigError."""
    if options.max_size is not None and options.max_size <= options.min_size:
        raise ConfigError("--max-size must be larger than --min-size")
    source = parse_source(options.video_source)
    if options.loop and not isinstance(source, Path):
        raise ConfigError("--loop is for video files: streams and webcams never end")
    return Config(
        server=_server(options.server),
        key=_key(options.key_file),
        camera=options.camera,
        source=source,
        models=_models(options.detector_models),
        skip_frames=options.skip_frames,
        target_fps=options.target_fps,
        min_size=options.min_size,
        max_size=options.max_size,
        min_confidence=options.min_confidence,
        loop=options.loop,
        realtime=options.realtime or options.loop,
        codec=options.codec,
    )


def parse_source(text: str) -> VideoSource:
    """Digits are a webcam, an address with a scheme is a stream, the rest is a file, which must exist."""
    if text.isdecimal():
        return int(text)
    if "://" in text:
        return text
    path = Path(text)
    if not path.is_file():
        raise ConfigError(f"--video-source: there is no file {text}")
    return path


def _server(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a malformed port or IPv6 address
        valid = False
    if not valid:
        raise ConfigError(f"--server: {url} is not an address such as https://faces.example.org")
    return url.rstrip("/")


def _key(path: Path | None) -> str:
    if path:
        try:
            key = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"--key-file: cannot read {path}: {error}") from error
    else:
        key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise ConfigError(f"no API key: name a file that holds it with --key-file, or set {KEY_VARIABLE}")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError("the API key holds characters that no key has: copy it again, alone, on one line")
    return key


def _models(folder: Path | None) -> Path:
    folder = folder or Path(os.environ.get(MODELS_VARIABLE) or DEFAULT_MODELS)
    missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
    if missing:
        raise ConfigError(
            f"the detector's models are missing: no {', '.join(missing)} in {folder}. "
            f"Name their folder with --detector-models or {MODELS_VARIABLE}"
        )
    return folder

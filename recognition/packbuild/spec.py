"""What an operator writes to make a pack of an ArcFace network: a small TOML file. docs/packs.md explains it."""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recognition.packbuild.catalogue import ARCFACE, RECIPES

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_ENTRIES = {"id": str, "licence": str, "origin": str, "embedder": dict, "detector": dict}
_SOURCE = {"weights": str, "sha256": str}
_EMBEDDER = {**_SOURCE, "mean": float, "scale": float, "channels": str, "flip": bool}
_CHANNELS = ("RGB", "BGR")
_DETECTORS = {"mtcnn": {"kind": str}, "yunet": {"kind": str, **_SOURCE}, "ultralight": {"kind": str, **_SOURCE}}
_WORDS = {str: "a text", float: "a number", bool: "true or false", dict: "a table"}


@dataclass(frozen=True, slots=True)
class Source:
    """A file or https:// URL, and what it must hash to."""

    weights: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Spec:
    """An ArcFace pack as its operator wants it. mean, scale, channels, flip: as in EmbedderSpec, the mean of every
    channel. detector_source: None for MTCNN, whose weights are installed.
    """

    id: str
    licence: str
    origin: str
    embedder: Source
    mean: float
    scale: float
    channels: str
    flip: bool
    detector: str
    detector_source: Source | None


def read_spec(path: Path) -> Spec:
    """Raises ValueError, which names the entry at fault, or OSError. File names are relative to the spec."""
    try:
        return _spec(tomllib.loads(path.read_text(encoding="utf-8")), path.parent)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _spec(entries: dict[str, Any], folder: Path) -> Spec:
    _check(entries, _ENTRIES)
    embedder, detector = entries["embedder"], entries["detector"]
    _check(embedder, _EMBEDDER, "embedder.")
    _choose("detector.kind", detector.get("kind"), _DETECTORS)
    _check(detector, _DETECTORS[detector["kind"]], "detector.")
    _choose("embedder.channels", embedder["channels"], _CHANNELS)
    if not _ID.fullmatch(entries["id"]) or entries["id"] in {*RECIPES, ARCFACE}:
        raise ValueError(f"id: {entries['id']!r} is taken, or has other than small letters, digits, '.', '-' and '_'")
    if not (math.isfinite(embedder["mean"]) and math.isfinite(embedder["scale"]) and embedder["scale"]):
        raise ValueError("embedder.mean and embedder.scale must be finite, and the scale not 0")
    return Spec(
        id=entries["id"],
        licence=entries["licence"],
        origin=entries["origin"],
        embedder=_source(embedder, folder),
        mean=float(embedder["mean"]),
        scale=float(embedder["scale"]),
        channels=embedder["channels"],
        flip=embedder["flip"],
        detector=detector["kind"],
        detector_source=_source(detector, folder) if "weights" in detector else None,
    )


def _check(table: Mapping[str, Any], kinds: Mapping[str, type], prefix: str = "") -> None:
    for name in table.keys() - kinds.keys():
        raise ValueError(f"there is no entry {prefix}{name}")
    for name, kind in kinds.items():
        if name not in table:
            raise ValueError(f"{prefix}{name} is missing; it must be {_WORDS[kind]}")
        # A number may be written without a decimal point, but true is no number.
        if type(table[name]) not in ({int, float} if kind is float else {kind}):
            raise ValueError(f"{prefix}{name} must be {_WORDS[kind]}")


def _choose(name: str, value: object, among: Mapping[str, Any] | tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in among:
        raise ValueError(f"{name} must be one of {', '.join(among)}")


def _source(table: Mapping[str, Any], folder: Path) -> Source:
    weights, sha256 = table["weights"], table["sha256"]
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"the sha256 of {weights} must have 64 hexadecimal digits; `sha256sum FILE` prints them")
    return Source(weights if "://" in weights else str(folder / weights), sha256)

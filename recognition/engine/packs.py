"""Packs: a detector and an embedder in a folder, described and checksummed by a manifest.

Manifest formats: 1 (first).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from recognition.engine.errors import PackError

MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class PackFile:
    """Checksum and size in bytes of one file of a pack."""

    sha256: str
    size: int

    @classmethod
    def of(cls, path: Path) -> "PackFile":
        with path.open("rb") as stream:
            return cls(hashlib.file_digest(stream, "sha256").hexdigest(), path.stat().st_size)


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """How faces are found. For kind `mtcnn`: the files of its three networks, in order."""

    kind: Literal["mtcnn"]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """How an aligned face becomes a vector.

    The network takes (pixel − mean) × scale, channels first, and gives `dimension` numbers. `template`: where the five
    landmarks lie in its square input of `input_size` pixels. `flip`: add the vector of the mirrored face.
    """

    file: str
    input_size: int
    mean: tuple[float, float, float]
    scale: float
    channels: Literal["RGB", "BGR"]
    template: tuple[tuple[float, float], ...]
    dimension: int
    flip: bool


@dataclass(frozen=True, slots=True)
class Impostors:
    """What strangers score against a gallery (LinearClassifier says what a score is).

    runner_up: typical similarity of different people. threshold_1pct: the score that one stranger in a hundred reaches.
    per_decade: how much higher the score is that a tenth of those reach.
    """

    runner_up: float
    threshold_1pct: float
    per_decade: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything about a pack except its weights."""

    id: str
    version: str
    licence: str
    origin: str
    detector: DetectorSpec
    embedder: EmbedderSpec
    impostors: Impostors
    files: Mapping[str, PackFile]

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Raises ValueError, TypeError or KeyError when the text is no manifest of a known format."""
        data: dict[str, Any] = json.loads(text)
        if data.pop("format") != FORMAT:
            raise ValueError(f"the manifest is not of format {FORMAT}")
        detector, embedder = data.pop("detector"), data.pop("embedder")
        embedder["template"] = tuple((float(x), float(y)) for x, y in embedder["template"])
        embedder["mean"] = tuple(embedder["mean"])
        return cls(
            detector=DetectorSpec(detector["kind"], tuple(detector["files"])),
            embedder=EmbedderSpec(**embedder),
            impostors=Impostors(**data.pop("impostors")),
            files={name: PackFile(**file) for name, file in data.pop("files").items()},
            **data,
        )


@dataclass(frozen=True, slots=True)
class Pack:
    """An opened pack, its files verified.

    `id` changes with whatever changes vectors, for instance `dlib-resnet@1f0c23ab`: vectors of different ids never mix.
    """

    id: str
    folder: Path
    manifest: Manifest

    @property
    def dimension(self) -> int:
        return self.manifest.embedder.dimension

    def path(self, name: str) -> Path:
        return self.folder / name


def open_pack(folder: Path) -> Pack:
    """Reads the manifest and verifies every file. Raises PackError, which names the file and the remedy."""
    manifest = _read_manifest(folder)
    remedy = _remedy(manifest.id)
    needed = {*manifest.detector.files, manifest.embedder.file}
    if needed - manifest.files.keys():
        raise PackError(
            f"{folder / MANIFEST} has no checksum of {', '.join(sorted(needed - manifest.files.keys()))}. {remedy}"
        )
    for name, expected in manifest.files.items():
        if Path(name).name != name or name == "..":
            raise PackError(f"{folder / MANIFEST} names a file outside the pack: {name!r}. {remedy}")
        path = folder / name
        if not path.is_file():
            raise PackError(f"{path} is missing. {remedy}")
        if PackFile.of(path) != expected:
            raise PackError(f"{path} is damaged or was changed: it does not match the pack's manifest. {remedy}")
    return Pack(_versioned_id(manifest), folder, manifest)


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    remedy = _remedy(folder.name)
    try:
        return Manifest.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PackError(f"There is no pack in {folder}. {remedy}") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise PackError(f"{path} cannot be read ({error}). {remedy}") from error


def _remedy(pack: str) -> str:
    return f"Run `python manage.py packs build {pack}`."


def _versioned_id(manifest: Manifest) -> str:
    makes_vectors = {
        "embedder": asdict(manifest.embedder),
        "weights": manifest.files[manifest.embedder.file].sha256,
        "landmarks": [manifest.files[name].sha256 for name in manifest.detector.files],
    }
    digest = hashlib.sha256(json.dumps(makes_vectors, sort_keys=True).encode()).hexdigest()
    return f"{manifest.id}@{digest[:8]}"

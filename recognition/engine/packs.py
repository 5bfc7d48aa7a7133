"""Packs: a detector and an embedder in a folder, described and checksummed by a manifest.

Manifest formats: 1 (first), 2 (precision, cohort; MTCNN's networks answer in planes).
"""

import hashlib
import json
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from recognition.engine.errors import PackError
from recognition.engine.faces import Vectors

MANIFEST = "manifest.json"
FORMAT = 2
DetectorKind = Literal["mtcnn", "yunet", "ultralight"]


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
    """How faces are found. `mtcnn`: the files of its three networks, in order. `yunet`: its network. `ultralight`: its
    network, then those of MTCNN, whose last gives the landmarks.
    """

    kind: DetectorKind
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """How an aligned face becomes a vector.

    The network takes (pixel − mean) × scale, channels first, and gives `dimension` numbers; one whose input is of bytes
    takes pixels as they lie in memory and does that itself. `template`: where the five landmarks lie in its square
    input of `input_size` pixels. `flip`: add the vector of the mirrored face. `precision`: what it computes in.
    """

    file: str
    input_size: int
    mean: tuple[float, float, float]
    scale: float
    channels: Literal["RGB", "BGR"]
    template: tuple[tuple[float, float], ...]
    dimension: int
    flip: bool
    precision: Literal["fp32", "int8"] = "fp32"


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
    """Everything about a pack except its weights. cohort: the file with vectors of strangers, or empty."""

    id: str
    version: str
    licence: str
    origin: str
    detector: DetectorSpec
    embedder: EmbedderSpec
    impostors: Impostors
    files: Mapping[str, PackFile]
    cohort: str = ""

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Raises ValueError, TypeError or KeyError when the text is no manifest of a known format."""
        data: dict[str, Any] = json.loads(text)
        if data.pop("format") != FORMAT:
            raise ValueError(f"the manifest is not of format {FORMAT}")
        detector, embedder = data.pop("detector"), data.pop("embedder")
        if detector["kind"] not in get_args(DetectorKind):
            raise ValueError(f"there is no detector {detector['kind']!r}")
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

    def cohort(self) -> Vectors:
        """Unit vectors (M, D) of strangers, one of each, to calibrate with; M is 0 if the pack was built without."""
        if not self.manifest.cohort:
            return np.zeros((0, self.dimension), np.float32)
        vectors: Vectors = np.load(self.path(self.manifest.cohort), allow_pickle=False)
        return vectors


def open_pack(folder: Path) -> Pack:
    """Reads the manifest and verifies every file. Raises PackError, which names the file and the remedy."""
    manifest = _read_manifest(folder)
    remedy = _remedy(manifest.id)
    for name, expected in manifest.files.items():
        if Path(name).name != name or name == "..":
            raise PackError(f"{folder / MANIFEST} names a file outside the pack: {name!r}. {remedy}")
        path = folder / name
        if not path.is_file():
            raise PackError(f"{path} is missing. {remedy}")
        if PackFile.of(path) != expected:
            raise PackError(f"{path} is damaged or was changed: it does not match the pack's manifest. {remedy}")
    return Pack(_versioned_id(manifest), folder, manifest)


def find_pack(packs: Path, pack_id: str) -> Pack:
    """The pack of this full id in the folder of packs: under its name, or under its id if another replaced it.

    Raises PackError if it is in neither or damaged.
    """
    name = pack_id.partition("@")[0]
    for folder in (packs / pack_id, packs / name):
        if folder.is_dir() and pack_id_in(folder) == pack_id:
            return open_pack(folder)
    raise PackError(f"The pack {pack_id} is not in {packs}, or another version replaced it. {_remedy(name)}")


def pack_id_in(folder: Path) -> str:
    """The id of the pack in this folder, by its manifest alone. Raises PackError if there is none."""
    return _versioned_id(_read_manifest(folder))


def delete_replaced(packs: Path, *, keep: Collection[str]) -> None:
    """Delete the packs that others have replaced, except those of these full ids."""
    for folder in packs.glob("*@*"):
        if folder.name not in keep:
            shutil.rmtree(folder)


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    remedy = _remedy(folder.name)
    try:
        manifest = Manifest.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PackError(f"There is no pack in {folder}. {remedy}") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise PackError(f"{path} cannot be read ({error}). {remedy}") from error
    needed = {*manifest.detector.files, manifest.embedder.file, manifest.cohort} - {""}
    if needed - manifest.files.keys():
        raise PackError(f"{path} has no checksum of {', '.join(sorted(needed - manifest.files.keys()))}. {remedy}")
    return manifest


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

"""Packs of any network that takes faces of 112 × 112 pixels aligned as ArcFace does (Deng et al., 2019)."""

from pathlib import Path

import numpy as np

from recognition.engine.packs import DetectorSpec, EmbedderSpec, Impostors
from recognition.engine.sessions import BatchSession
from recognition.packbuild import mtcnn
from recognition.packbuild.fetching import fetch
from recognition.packbuild.onnxfile import MAX_BYTES, Shape, input_shape
from recognition.packbuild.spec import Source, Spec

# Of a network that nobody has measured here. Rather too high: "unknown" beats a wrong name.
IMPOSTORS = Impostors(runner_up=0.2, threshold_1pct=0.4, per_decade=0.06)

_FILE = "embedder.onnx"
_SIZE = 112
# Where eyes, nose and mouth corners lie: `arcface_dst` of the project InsightFace.
_TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
_FACES = ((3, _SIZE, _SIZE), (_SIZE, _SIZE, 3))
_DIMENSIONS = range(32, 4097)
_PROBES = 5  # makes batches of 4 and 1


def build_embedder(spec: Spec, folder: Path) -> EmbedderSpec:
    """Puts the network into `folder` and tries it out. Raises ValueError or OSError, which say what to do."""
    path = folder / _FILE
    shape = _fetch(spec.embedder, path)
    if shape[1:] not in _FACES or shape[0] not in {1, None}:
        raise ValueError(
            f"{spec.embedder.weights}: its input is {_words(shape)}, but must be (N, 3, 112, 112) or (N, 112, 112, 3)"
        )
    try:
        dimension = _probed_dimension(path, spec)
    except ValueError as error:
        raise ValueError(f"{spec.embedder.weights}: {error}") from error
    mean, channels = (spec.mean,) * 3, spec.channels
    return EmbedderSpec(_FILE, _SIZE, mean, spec.scale, channels, _TEMPLATE, dimension, spec.flip)


def build_detector(spec: Spec, folder: Path) -> DetectorSpec:
    """Puts the detector into `folder`. Raises ValueError or OSError, which say what to do."""
    files: tuple[str, ...] = ()
    if spec.detector_source:
        files = (f"{spec.detector}.onnx",)
        shape = _fetch(spec.detector_source, folder / files[0])
        if len(shape) != 4 or shape[0] not in {1, None} or shape[1] != 3:
            raise ValueError(
                f"{spec.detector_source.weights}: its input is {_words(shape)}, but must be (1, 3, height, width)"
            )
    if spec.detector != "yunet":
        mtcnn.build(folder)
        files += mtcnn.FILES
    return DetectorSpec(spec.detector, files)


def _fetch(source: Source, path: Path) -> Shape:
    """Puts the network at `path`; the shape of its input."""
    fetch(source.weights, source.sha256, path, most=MAX_BYTES)
    try:
        return input_shape(path)
    except ValueError as error:
        raise ValueError(f"{source.weights}: {error}") from error


def _probed_dimension(path: Path, spec: Spec) -> int:
    """Length of the vectors that the network gives for noise."""
    noise = np.random.default_rng(0).integers(0, 256, (_PROBES, 3, _SIZE, _SIZE))
    pixels = ((noise - spec.mean) * spec.scale).astype(np.float32)
    try:
        session = BatchSession(path)
        together = session.run(pixels)
        alone = np.concatenate([session.run(one[None]) for one in pixels])
    except Exception as error:
        raise ValueError(f"it does not run: {error}") from error
    if together.ndim != 2 or len(together) != _PROBES or together.shape[1] not in _DIMENSIONS:
        raise ValueError(f"for {_PROBES} faces it gives {together.shape}, not a vector for each")
    if not np.isfinite(together).all():
        raise ValueError("its vectors hold values that are no numbers. Check mean and scale")
    if not np.allclose(together, alone, atol=1e-3 * np.abs(alone).max()):
        raise ValueError("a face gets another vector in a batch than alone")
    return together.shape[1]


def _words(shape: Shape) -> str:
    return f"({', '.join('N' if side is None else str(side) for side in shape)})"

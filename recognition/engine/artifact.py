"""A trained model as bytes.

The layout is that of safetensors, which holds arrays and a JSON header and cannot run code: 8 bytes with the header's
length, the header, then the arrays. The last array, `sha256`, is the checksum of every byte before it. Nothing is
compressed, so a small file cannot claim much memory, and equal models give equal bytes.

Formats: 1 (first), 2 (calibration: tracks, probabilities, expected miss rate).
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recognition.engine.calibration import Calibration, TradeOff
from recognition.engine.classifier import LinearClassifier
from recognition.engine.errors import ArtifactError

FORMAT = 2
MAX_BYTES = 512 * 1024 * 1024
_MAX_HEADER = 32 * 1024 * 1024
_CHECKSUM_BYTES = 32
# More than any gallery or network has; what claims more is refused before memory is asked for.
_MAX_LABELS = 2_000_000
_MAX_DIMENSION = 16_384
_PARAMETERS = ("runner_up_share", "runner_up_floor")


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A classifier, the pack whose vectors it was trained on, and how.

    trade_offs: what other false-alarm rates would have meant; not part of the bytes.
    """

    classifier: LinearClassifier
    pack_id: str
    false_alarm_rate: float
    vector_count: int
    trade_offs: tuple[TradeOff, ...] = ()


def dump(model: Model) -> bytes:
    """The same bytes for the same model."""
    classifier = model.classifier
    facts = {
        "format": FORMAT,
        "pack_id": model.pack_id,
        "false_alarm_rate": model.false_alarm_rate,
        "vector_count": model.vector_count,
        "kind": classifier.kind,
        "labels": classifier.labels,
        "calibration": asdict(classifier.calibration),
        **{name: getattr(classifier, name) for name in _PARAMETERS},
    }
    arrays = {
        "weights": classifier.weights.astype("<f4").tobytes(),
        "bias": classifier.bias.astype("<f4").tobytes(),
    }
    shapes = {"weights": classifier.weights.shape, "bias": classifier.bias.shape, "sha256": (_CHECKSUM_BYTES,)}
    header: dict[str, Any] = {"__metadata__": {"facesite": json.dumps(facts, sort_keys=True)}}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + len(arrays.get(name, bytes(_CHECKSUM_BYTES)))
        header[name] = {"dtype": "U8" if name == "sha256" else "F32", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    content = len(text).to_bytes(8, "little") + text + b"".join(arrays.values())
    return content + hashlib.sha256(content).digest()


def load(data: bytes, *, sha256: str | None = None) -> Model:
    """Raises ArtifactError unless these are the bytes of a model; `sha256`: what they must hash to."""
    if not 8 + _CHECKSUM_BYTES < len(data) <= MAX_BYTES:
        raise ArtifactError(f"A model cannot have {len(data)} bytes.")
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise ArtifactError("The model is not the one that was published: its checksum differs.")
    if hashlib.sha256(data[:-_CHECKSUM_BYTES]).digest() != data[-_CHECKSUM_BYTES:]:
        raise ArtifactError("The model is damaged or incomplete: it does not match its own checksum.")
    try:
        return _parse(data)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ArtifactError(f"This is no model of format {FORMAT}: {error}") from error


def _parse(data: bytes) -> Model:
    length = int.from_bytes(data[:8], "little")
    if length > min(len(data) - 8, _MAX_HEADER):
        raise ValueError("its header is too long")
    header = json.loads(data[8 : 8 + length])
    facts = json.loads(header["__metadata__"]["facesite"])
    if facts["format"] != FORMAT:
        raise ValueError(f"it is of format {facts['format']}. Train again")
    content = memoryview(data)[8 + length : -_CHECKSUM_BYTES]
    if len(facts["labels"]) > _MAX_LABELS:
        raise ValueError("it has too many labels")
    labels = tuple(str(label) for label in facts["labels"])
    weights = _floats(content, header["weights"], (_MAX_LABELS, _MAX_DIMENSION))
    bias = _floats(content, header["bias"], (_MAX_LABELS,))
    if len(set(labels)) != len(labels) or weights.shape[0] != len(labels) or bias.shape != (len(labels),):
        raise ValueError("its labels and arrays do not go together")
    parameters = {name: float(facts[name]) for name in _PARAMETERS}
    if not np.isfinite([*parameters.values()]).all():
        raise ValueError("its parameters are no usable numbers")
    classifier = LinearClassifier(
        kind=str(facts["kind"]),
        labels=labels,
        weights=weights,
        bias=bias,
        calibration=_calibration(facts["calibration"]),
        **parameters,
    )
    return Model(classifier, str(facts["pack_id"]), float(facts["false_alarm_rate"]), int(facts["vector_count"]))


def _calibration(facts: dict[str, Any]) -> Calibration:
    miss_rate = facts.pop("expected_miss_rate")
    calibration = Calibration(
        **{name: float(value) for name, value in facts.items()},
        expected_miss_rate=None if miss_rate is None else float(miss_rate),
    )
    if not np.isfinite([value for value in asdict(calibration).values() if value is not None]).all():
        raise ValueError("its calibration is no usable numbers")
    if min(calibration.width, calibration.steepness) <= 0:
        raise ValueError("its calibration makes high scores no rarer than low ones")
    return calibration


def _floats(content: memoryview, entry: dict[str, Any], limits: tuple[int, ...]) -> NDArray[np.float32]:
    """An array that the header describes, once the description is consistent and within the limit of each axis."""
    start, end = entry["data_offsets"]
    shape = entry["shape"]
    if (
        entry["dtype"] != "F32"
        or len(shape) != len(limits)
        or any(type(size) is not int for size in (*shape, start, end))
    ):
        raise ValueError("its arrays are not described as they should be")
    if not all(0 <= size <= limit for size, limit in zip(shape, limits, strict=True)):
        raise ValueError("its arrays are larger than a model's can be")
    if not 0 <= start <= end <= len(content) or end - start != 4 * math.prod(shape):
        raise ValueError("its arrays are not laid out as they should be")
    values = np.frombuffer(content[start:end], "<f4").reshape(shape).astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError("its arrays hold values that are no numbers")
    return values

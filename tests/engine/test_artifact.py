"""Models as bytes: exact, the same each time, and refused when anything is wrong."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.engine.artifact import Model, dump, load
from recognition.engine.calibration import Calibration
from recognition.engine.classifier import LinearClassifier, empty_classifier
from recognition.engine.errors import ArtifactError


def model(people: int = 3) -> Model:
    random = np.random.default_rng(people)
    classifier = LinearClassifier(
        kind="gallery",
        labels=tuple(f"Zoë {index}" for index in range(people)),
        weights=random.normal(size=(people, 8)).astype(np.float32),
        bias=random.normal(size=people).astype(np.float32),
        runner_up_share=0.4,
        runner_up_floor=0.85,
        calibration=Calibration(threshold=0.6, width=0.012, even=0.58, steepness=0.01, expected_miss_rate=0.07),
    )
    return Model(classifier, pack_id="dlib-resnet@12345678", false_alarm_rate=0.01, vector_count=7)


DATA = dump(model())


def seal(content: bytes) -> bytes:
    """Bytes with a right checksum: what an attacker would make."""
    return content + hashlib.sha256(content).digest()


def forged(change: Callable[[SimpleNamespace], object]) -> bytes:
    length = int.from_bytes(DATA[:8], "little")
    header = json.loads(DATA[8 : 8 + length])
    facts = json.loads(header["__metadata__"]["facesite"])
    change(SimpleNamespace(header=header, facts=facts))
    header["__metadata__"] = {"facesite": json.dumps(facts)}
    text = json.dumps(header).encode()
    return seal(len(text).to_bytes(8, "little") + text + DATA[8 + length : -32])


@pytest.mark.parametrize("original", [model(), model(1), replace(model(), classifier=empty_classifier(128))])
def test_what_is_dumped_is_loaded(original: Model) -> None:
    data = dump(original)
    loaded = load(data, sha256=hashlib.sha256(data).hexdigest())
    for name in ("pack_id", "false_alarm_rate", "vector_count"):
        assert getattr(loaded, name) == getattr(original, name)
    for name in ("kind", "labels", "calibration", "runner_up_share", "runner_up_floor"):
        assert getattr(loaded.classifier, name) == getattr(original.classifier, name)
    np.testing.assert_array_equal(loaded.classifier.weights, original.classifier.weights)
    np.testing.assert_array_equal(loaded.classifier.bias, original.classifier.bias)


def test_equal_models_give_equal_bytes() -> None:
    assert dump(model()) == dump(model()) != dump(model(4))


@given(position=st.integers(0, len(DATA) - 1), bit=st.integers(0, 7))
@settings(max_examples=300)
def test_any_changed_bit_is_noticed(position: int, bit: int) -> None:
    data = bytearray(DATA)
    data[position] ^= 1 << bit
    with pytest.raises(ArtifactError):
        load(bytes(data))


@given(length=st.integers(0, len(DATA) - 1))
def test_any_cut_is_noticed(length: int) -> None:
    with pytest.raises(ArtifactError):
        load(DATA[:length])


def test_bytes_after_the_end_are_noticed() -> None:
    with pytest.raises(ArtifactError):
        load(DATA + b"\0")


@given(content=st.binary(max_size=400))
def test_arbitrary_bytes_with_a_right_checksum_are_refused(content: bytes) -> None:
    with pytest.raises(ArtifactError):
        load(seal(content))


def test_another_model_than_the_published_one_is_refused() -> None:
    with pytest.raises(ArtifactError, match="checksum differs"):
        load(DATA, sha256=hashlib.sha256(b"other").hexdigest())


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts.facts.update(format=3),
        lambda parts: parts.facts.update(labels=["a", "a", "b"]),
        lambda parts: parts.facts.update(labels=["a"]),
        lambda parts: parts.facts.update(labels=7),
        lambda parts: parts.facts.update(runner_up_share=float("nan")),
        lambda parts: parts.facts.update(calibration=7),
        lambda parts: parts.facts["calibration"].update(width=0),
        lambda parts: parts.facts["calibration"].update(steepness=-1),
        lambda parts: parts.facts["calibration"].update(threshold=float("nan")),
        lambda parts: parts.facts["calibration"].update(expected_miss_rate="often"),
        lambda parts: parts.facts["calibration"].update(odds=1),
        lambda parts: parts.facts["calibration"].pop("even"),
        lambda parts: parts.facts.pop("pack_id"),
        lambda parts: parts.header["weights"].update(shape=[10**9, 10**9]),
        lambda parts: parts.header["weights"].update(shape=[-1, 8]),
        lambda parts: parts.header["weights"].update(shape=[3, 8.0]),
        lambda parts: parts.header["weights"].update(shape=[3, 2**40]),
        lambda parts: parts.header["weights"].update(shape=[0, 2**70], data_offsets=[0, 0]),
        lambda parts: parts.header["bias"].update(shape=[True]),
        lambda parts: parts.header["bias"].update(data_offsets=[96, 140], shape=[11]),
        lambda parts: parts.header["weights"].update(shape=[24]),
        lambda parts: parts.header["weights"].update(dtype="O"),
        lambda parts: parts.header["weights"].update(data_offsets=[0, 10**12]),
        lambda parts: parts.header["weights"].update(data_offsets=[-96, 96]),
        lambda parts: parts.header["bias"].update(data_offsets="ab"),
        lambda parts: parts.header.pop("bias"),
    ],
)
def test_forged_contents_are_refused(change: Callable[[SimpleNamespace], object]) -> None:
    assert load(forged(lambda _: None)).pack_id == "dlib-resnet@12345678"
    with pytest.raises(ArtifactError):
        load(forged(change))


def test_a_model_of_an_earlier_format_says_what_to_do() -> None:
    with pytest.raises(ArtifactError, match="of format 1"):
        load(forged(lambda parts: parts.facts.update(format=1)))


@pytest.mark.parametrize("text", [b"[" * 100_000, b"7", b"{}", b'{"__metadata__": 1}', b"\xff"])
def test_forged_headers_are_refused(text: bytes) -> None:
    with pytest.raises(ArtifactError):
        load(seal(len(text).to_bytes(8, "little") + text + bytes(100)))


def test_a_header_longer_than_the_file_is_refused() -> None:
    with pytest.raises(ArtifactError, match="header is too long"):
        load(seal((2**62).to_bytes(8, "little") + bytes(100)))


def test_values_that_are_no_numbers_are_refused() -> None:
    broken = replace(model().classifier, weights=np.full((3, 8), np.nan, np.float32))
    with pytest.raises(ArtifactError, match="no numbers"):
        load(dump(replace(model(), classifier=broken)))

"""Vectors: right, of length 1, and the same in any batch."""

from dataclasses import replace
from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest

from bench.activations import ranges
from recognition.engine.embedder import OnnxEmbedder
from recognition.engine.faces import Image
from recognition.engine.packs import Pack
from recognition.packbuild import dlib_resnet


def with_embedder(pack: Pack, **changes: object) -> Pack:
    return replace(pack, manifest=replace(pack.manifest, embedder=replace(pack.manifest.embedder, **changes)))


@pytest.fixture(scope="module")
def chips(astronaut: Image, hopper: Image) -> Image:
    faces = [cv2.resize(astronaut[60:200, 150:290], (150, 150)), cv2.resize(hopper[50:330, 130:410], (150, 150))]
    return np.stack([*faces, np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8)])


def test_the_converted_network_agrees_with_dlib(pack: Pack, chips: Image) -> None:
    oracle = dlib.face_recognition_model_v1(str(dlib_resnet.find_weights()))
    expected = np.array([oracle.compute_face_descriptor(chip) for chip in chips])
    vectors = OnnxEmbedder(with_embedder(pack, flip=False)).embed(chips)
    assert np.abs(vectors - expected / np.linalg.norm(expected, axis=1, keepdims=True)).max() < 1e-4


@pytest.fixture(scope="module")
def int8_pack(tmp_path_factory: pytest.TempPathFactory, pack: Pack) -> Pack:
    folder = tmp_path_factory.mktemp("int8")
    dlib_resnet.build_int8(folder)
    return replace(with_embedder(pack, file=dlib_resnet.INT8_FILE, precision="int8"), folder=folder)


def test_eight_bits_give_nearly_the_same_vectors(pack: Pack, int8_pack: Pack, chips: Image) -> None:
    faces = np.concatenate([chips[:2], cv2.GaussianBlur(chips[0], (0, 0), 3)[None], chips[:2] // 2])
    cosines = np.sum(OnnxEmbedder(pack).embed(faces) * OnnxEmbedder(int8_pack).embed(faces), axis=1)
    assert cosines.min() > 0.997


def test_eight_bits_are_a_third_of_the_size_and_the_same_in_every_build(
    pack: Pack, int8_pack: Pack, tmp_path: Path
) -> None:
    built = int8_pack.path(dlib_resnet.INT8_FILE).read_bytes()
    dlib_resnet.build_int8(tmp_path)
    assert (tmp_path / dlib_resnet.INT8_FILE).read_bytes() == built
    assert len(built) < pack.path(dlib_resnet.FILE).stat().st_size / 3


def test_the_ranges_of_eight_bits_fit_faces(chips: Image) -> None:
    measured = np.array(ranges(iter(chips[:2])))
    stated = np.array(dlib_resnet.RANGES.split(), float)
    assert (measured < 2 * stated).all()
    assert (measured > 0.2 * stated).all()


def test_flipping_makes_mirror_images_equal(pack: Pack, chips: Image) -> None:
    embedder = OnnxEmbedder(pack)
    np.testing.assert_allclose(embedder.embed(chips), embedder.embed(chips[:, :, ::-1]), atol=1e-5)


def test_channel_order_is_the_packs(pack: Pack, chips: Image) -> None:
    reversed_order = OnnxEmbedder(with_embedder(pack, channels="BGR"))
    np.testing.assert_array_equal(reversed_order.embed(chips), OnnxEmbedder(pack).embed(chips[..., ::-1]))
    assert np.abs(reversed_order.embed(chips) - OnnxEmbedder(pack).embed(chips)).max() > 1e-3


@pytest.mark.parametrize("count", [1, 3, 5, 16, 17, 30])
def test_a_batch_gives_what_single_faces_give(pack: Pack, chips: Image, count: int) -> None:
    embedder = OnnxEmbedder(pack)
    batch = np.stack([np.roll(chips[index % 3], index, axis=1) for index in range(count)])
    together = embedder.embed(batch)
    assert together.shape == (count, embedder.dimension)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together, np.concatenate([embedder.embed(chip[None]) for chip in batch]), atol=1e-5)


def test_no_faces_give_no_vectors(pack: Pack) -> None:
    assert OnnxEmbedder(pack).embed(np.zeros((0, 150, 150, 3), np.uint8)).shape == (0, 128)

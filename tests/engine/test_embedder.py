"""Vectors: right, of length 1, and the same in any batch."""

from dataclasses import replace

import cv2
import dlib
import numpy as np
import pytest

from recognition.engine.embedder import OnnxEmbedder
from recognition.engine.faces import Image
from recognition.engine.packs import Pack
from recognition.packbuild.dlib_resnet import find_weights


def with_embedder(pack: Pack, **changes: object) -> Pack:
    return replace(pack, manifest=replace(pack.manifest, embedder=replace(pack.manifest.embedder, **changes)))


@pytest.fixture(scope="module")
def chips(astronaut: Image, hopper: Image) -> Image:
    faces = [cv2.resize(astronaut[60:200, 150:290], (150, 150)), cv2.resize(hopper[50:330, 130:410], (150, 150))]
    return np.stack([*faces, np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8)])


def test_the_converted_network_agrees_with_dlib(pack: Pack, chips: Image) -> None:
    oracle = dlib.face_recognition_model_v1(str(find_weights()))
    expected = np.array([oracle.compute_face_descriptor(chip) for chip in chips])
    vectors = OnnxEmbedder(with_embedder(pack, flip=False)).embed(chips)
    assert np.abs(vectors - expected / np.linalg.norm(expected, axis=1, keepdims=True)).max() < 1e-4


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

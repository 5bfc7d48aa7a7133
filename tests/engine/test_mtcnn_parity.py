"""MTCNN in ONNX Runtime finds the faces that facenet-pytorch finds.

Not to the pixel: the third network here judges the best of several boxes of a face, there all of them.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from detectors import Mtcnn
from recognition.engine.faces import Image
from recognition.packbuild.facenet import facenet_pytorch


def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, groups: torch.Tensor, threshold: float) -> torch.Tensor:
    """Stands in for the operator of torchvision, which need not load on this machine. One image: one group."""
    assert (groups == 0).all()
    remaining, kept = torch.argsort(scores, descending=True, stable=True), []
    while len(remaining):
        best, remaining = remaining[0], remaining[1:]
        kept.append(best)
        low = torch.maximum(boxes[best, :2], boxes[remaining, :2])
        high = torch.minimum(boxes[best, 2:], boxes[remaining, 2:])
        shared = (high - low).clamp(min=0).prod(dim=1)
        areas = (boxes[:, 2:4] - boxes[:, :2]).prod(dim=1)
        remaining = remaining[shared <= threshold * (areas[best] + areas[remaining] - shared)]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.long)


@pytest.fixture(scope="module")
def reference() -> Iterator[object]:
    torch.set_num_threads(1)  # tests run one process per core
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("facenet_pytorch.models.utils.detect_face.batched_nms", batched_nms)
        yield facenet_pytorch.MTCNN(keep_all=True)


@pytest.fixture(scope="module")
def mtcnn(pack_folder: Path) -> Mtcnn:
    return Mtcnn(pack_folder)


def assert_same_faces(mtcnn: Mtcnn, reference: object, image: Image) -> None:
    boxes, _, landmarks = reference.detect(image, landmarks=True)
    found = mtcnn.detect(image)
    if boxes is None:
        assert len(found) == 0
        return
    assert len(found) == len(boxes)
    for box, points in zip(boxes.astype(float), landmarks, strict=True):
        sides = np.minimum(found.boxes[:, 2:], box[2:]) - np.maximum(found.boxes[:, :2], box[:2])
        shared = np.maximum(sides, 0).prod(axis=1)
        areas = (found.boxes[:, 2:] - found.boxes[:, :2]).prod(axis=1)
        overlap = shared / (areas + (box[2:] - box[:2]).prod() - shared)
        assert overlap.max() > 0.85
        assert np.abs(found.landmarks[overlap.argmax()] - points).max() < 0.06 * (box[2] - box[0]) + 1


def test_portraits(mtcnn: Mtcnn, reference: object, astronaut: Image, hopper: Image) -> None:
    assert_same_faces(mtcnn, reference, astronaut)
    assert_same_faces(mtcnn, reference, hopper)


@pytest.mark.corpus
def test_corpus(mtcnn: Mtcnn, reference: object, corpus_photos: list[Path]) -> None:
    for path in corpus_photos:
        assert_same_faces(mtcnn, reference, cv2.imread(str(path), cv2.IMREAD_COLOR_RGB))

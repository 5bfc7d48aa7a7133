"""The classic pipeline that the engine is compared with."""

import io
from collections.abc import Sequence

import torch
from PIL import Image as Pictures
from sklearn.svm import SVC

from bench.engine import Box, Clock, random_gallery
from detectors.boxes import suppress
from recognition.packbuild.facenet import facenet_pytorch


class Baseline:
    """facenet-pytorch and scikit-learn as their documentation combines them."""

    batch = 1

    def __init__(self, *, threads: int) -> None:
        torch.set_num_threads(threads)
        if not _operator_loads():
            facenet_pytorch.models.utils.detect_face.batched_nms = _batched_nms
        self._mtcnn = facenet_pytorch.MTCNN(keep_all=True)
        self._embedder = facenet_pytorch.InceptionResnetV1().eval()
        self._classifier = SVC(kernel="linear").fit(*random_gallery(512))

    def boxes(self, images: Sequence[bytes], clock: Clock) -> list[list[Box]]:
        return [self._boxes(image, clock) for image in images]

    def _boxes(self, data: bytes, clock: Clock) -> list[Box]:
        with clock.stage("decode"):
            picture = Pictures.open(io.BytesIO(data)).convert("RGB")
        with clock.stage("detect"):
            boxes, _ = self._mtcnn.detect(picture)
        if boxes is None:
            return []
        with clock.stage("align"):
            chips = self._mtcnn.extract(picture, boxes, None)
        with clock.stage("embed"), torch.inference_mode():
            vectors = self._embedder(chips).numpy()
        with clock.stage("identify"):
            self._classifier.predict(vectors)
        return [tuple(box) for box in boxes.tolist()]


def _operator_loads() -> bool:
    try:
        torch.ops.torchvision.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except (NotImplementedError, RuntimeError):
        return False
    return True


def _batched_nms(boxes: torch.Tensor, scores: torch.Tensor, _: torch.Tensor, threshold: float) -> torch.Tensor:
    """Stands in for torchvision's operator where that does not load. One image at a time, so one group."""
    return torch.from_numpy(suppress(boxes.numpy(), scores.numpy(), threshold))

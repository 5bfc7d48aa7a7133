"""Images to embedded faces: what web processes and workers call."""

from collections.abc import Sequence

import numpy as np

from recognition.engine.alignment import align
from recognition.engine.detector import Detector, open_detector
from recognition.engine.embedder import Embedder, OnnxEmbedder
from recognition.engine.faces import EmbeddedFace, Face, Image
from recognition.engine.packs import Pack
from recognition.engine.quality import assess

MAX_FACES = 200  # per image; bounds the time that one picture of a crowd can take


class Pipeline:
    """Detection, alignment and embedding with one pack. Thread-safe; make one per process, after any fork."""

    def __init__(
        self, pack: Pack, *, threads: int = 1, detector: Detector | None = None, embedder: Embedder | None = None
    ) -> None:
        self.pack = pack
        self._spec = pack.manifest.embedder
        self._detector = detector or open_detector(pack, threads=threads)
        self._embedder = embedder or OnnxEmbedder(pack, threads=threads)

    @property
    def pack_id(self) -> str:
        return self.pack.id

    @property
    def dimension(self) -> int:
        return self.pack.dimension

    def analyse(
        self, images: Sequence[Image], *, crops: bool = False, max_faces: int = MAX_FACES
    ) -> list[list[EmbeddedFace]]:
        """The faces of each image, largest first, at most `max_faces` of each.

        `crops`: the images were cut around faces, as edge nodes send them.
        """
        found = [_largest(faces, max_faces) for faces in self._detector.detect(images, crops=crops)]
        chips = [self._chip(image, face) for image, faces in zip(images, found, strict=True) for face in faces]
        vectors = iter(self._embedder.embed(np.stack(chips)) if chips else ())
        remaining = iter(chips)
        return [[EmbeddedFace(face, assess(face, next(remaining)), next(vectors)) for face in faces] for faces in found]

    def _chip(self, image: Image, face: Face) -> Image:
        return align(image, face.landmarks, self._spec.template, self._spec.input_size)


def _largest(faces: list[Face], limit: int) -> list[Face]:
    return sorted(faces, key=lambda face: face.width * face.height, reverse=True)[:limit]

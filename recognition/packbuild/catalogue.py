"""The packs that can be built, apart from their weights."""

from dataclasses import dataclass, replace
from pathlib import Path

from recognition.engine.errors import PackError
from recognition.engine.packs import EmbedderSpec, Impostors, open_pack

# Stands for every pack that an operator describes in a spec.
ARCFACE = "arcface-onnx"
_MTCNN_ORIGIN = "detector: MTCNN weights of the package facenet-pytorch (MIT)"


@dataclass(frozen=True, slots=True)
class Recipe:
    """`version` rises with every change that makes an already built pack out of date."""

    id: str
    version: str
    licence: str
    origin: str
    embedder: EmbedderSpec
    impostors: Impostors

    def is_built(self, folder: Path) -> bool:
        """Whether `folder` holds this pack, whole and as this recipe makes it."""
        try:
            manifest = open_pack(folder).manifest
        except PackError:
            return False
        return (manifest.version, manifest.embedder, manifest.impostors) == (
            self.version,
            self.embedder,
            self.impostors,
        )


_DLIB = Recipe(
    id="dlib-resnet",
    version="4",
    licence="CC0-1.0 (embedder), MIT (detector)",
    origin=f"embedder: dlib_face_recognition_resnet_model_v1 by Davis King, from the package "
    f"face_recognition_models; {_MTCNN_ORIGIN}",
    embedder=EmbedderSpec(
        file="dlib_resnet.onnx",
        input_size=150,
        mean=(122.782, 117.001, 104.298),
        scale=1 / 256,
        channels="RGB",
        # Where MTCNN's points lie, in the median over frontal photos, in the chips that dlib itself cuts;
        # then 7 % larger and a pixel lower, which separates people better.
        template=((46.1, 45.1), (103.9, 45.1), (75.0, 79.4), (49.9, 108.6), (100.1, 108.6)),
        dimension=128,
        flip=True,
    ),
    # Measured on Labeled Faces in the Wild with galleries of 1 to 430 people.
    impostors=Impostors(runner_up=0.85, threshold_1pct=0.58, per_decade=0.012),
)

RECIPES = {
    recipe.id: recipe
    for recipe in (
        _DLIB,
        replace(
            _DLIB,
            id="dlib-resnet-int8",
            embedder=replace(_DLIB.embedder, file="dlib_resnet_int8.onnx", precision="int8"),
        ),
        Recipe(
            id="facenet-vggface2",
            version="4",
            licence="MIT (code and weights of facenet-pytorch; VGGFace2 images: research use)",
            origin=f"embedder: InceptionResnetV1 20180402-114759 by David Sandberg and Tim Esler; {_MTCNN_ORIGIN}",
            embedder=EmbedderSpec(
                file="facenet_vggface2.onnx",
                input_size=160,
                mean=(127.5, 127.5, 127.5),
                scale=1 / 128,
                channels="RGB",
                # Where MTCNN's points lie, in the median, in crops like those it was trained on: the box with 44 of
                # 182 pixels as margin, made square, and of that the middle 160. Not tuned, for want of the weights.
                template=((49.8, 64.6), (113.7, 64.6), (81.7, 92.3), (54.7, 115.7), (111.5, 115.7)),
                dimension=512,
                flip=False,
            ),
            # Not measured, since no package carries the weights. Rather too high: "unknown" beats a wrong name.
            impostors=Impostors(runner_up=0.1, threshold_1pct=0.55, per_decade=0.06),
        ),
    )
}

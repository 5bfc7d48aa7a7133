"""Ranges of the activations of the dlib network, for its eight-bit pack: `python -m bench.activations --data FOLDER`.

FOLDER holds `<Name>/photo.jpg`. Prints, for each activation in order, the magnitude that it stays below in 99 of 100
faces: what `recognition.packbuild.dlib_resnet` states.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

from bench.engine import PACK, choose
from recognition.engine.alignment import align
from recognition.engine.detector import MtcnnDetector
from recognition.engine.errors import EngineError
from recognition.engine.faces import Image
from recognition.engine.images import decode
from recognition.engine.packs import Pack, open_pack
from recognition.packbuild import dlib_resnet
from recognition.packbuild.quantisation import activations


def ranges(chips: Iterator[Image]) -> list[float]:
    """The 99th percentile, over the faces, of each activation's largest magnitude."""
    model = dlib_resnet.network()
    names = activations(model)
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    magnitudes = [[np.abs(values).max() for values in session.run(names, {"image": chip[None]})] for chip in chips]
    return [float(value) for value in np.percentile(magnitudes, 99, axis=0)]


def chips(pack: Pack, photos: Sequence[Path]) -> Iterator[Image]:
    """The aligned faces of the photos."""
    detector, spec = MtcnnDetector(pack), pack.manifest.embedder
    for photo in photos:
        image = decode(photo.read_bytes())
        for face in detector.detect([image])[0][:1]:
            yield align(image, face.landmarks, spec.template, spec.input_size)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.activations", description="Ranges of activations.")
    parser.add_argument("--data", type=Path, required=True, help="folder of people: NAME/photo.jpg")
    parser.add_argument("--photos", type=int, default=400, help="how many of them (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        found = ranges(chips(open_pack(PACK), choose(options.data, options.photos)))
    except (EngineError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(*(f"{value:.3g}" for value in found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

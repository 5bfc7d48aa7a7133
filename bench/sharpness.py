"""What blur does to enrolment's figure of sharpness, and to recognition: `python -m bench.sharpness --data FOLDER`.

FOLDER holds `<Name>/photo.jpg`, several photos each. One photo of each person is blurred more and more; printed are the
sharpness (aligned face, see recognition.engine.quality) and the cosine to the mean of the person's photos. The last
line is JSON.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np

from recognition.engine.faces import EmbeddedFace, Image
from recognition.engine.images import decode
from recognition.engine.packs import open_pack
from recognition.engine.pipeline import Pipeline

BLURS = (0, 1, 2, 3, 4, 6, 8)  # standard deviations of the Gaussian, pixels
PACK = Path(__file__).resolve().parents[1] / "var" / "packs" / "dlib-resnet"


def largest(pipeline: Pipeline, image: Image) -> EmbeddedFace | None:
    (faces,) = pipeline.analyse([image])
    return faces[0] if faces else None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sharpness", description="What blur does to a photo.")
    parser.add_argument("--data", type=Path, required=True, help="folder of people: NAME/photo.jpg")
    parser.add_argument("--people", type=int, default=100, help="how many of them (%(default)s)")
    parser.add_argument("--pack", type=Path, default=PACK, help="folder of a built pack")
    options = parser.parse_args()
    pipeline = Pipeline(open_pack(options.pack))
    measured: dict[int, list[tuple[float, float]]] = {blur: [] for blur in BLURS}
    for folder in sorted(options.data.iterdir())[: options.people]:
        images = [decode(path.read_bytes()) for path in sorted(folder.iterdir())]
        faces = [face for image in images if (face := largest(pipeline, image))]
        mean = np.mean([face.vector for face in faces], axis=0)
        mean /= np.linalg.norm(mean)
        for blur in BLURS:
            face = largest(pipeline, cv2.GaussianBlur(images[0], (0, 0), blur) if blur else images[0])
            if face:
                measured[blur].append((face.quality.sharpness, float(face.vector @ mean)))
    print("blur px   found   sharpness (1st, 5th, 50th percentile)   cosine (5th, 50th percentile)")
    result = {}
    for blur, rows in measured.items():
        sharpness, cosine = np.array(rows).T
        percentiles = np.percentile(sharpness, [1, 5, 50])
        low, median = np.percentile(cosine, [5, 50])
        print(
            f"{blur:7}   {len(rows):5}   {percentiles[0]:8.1f} {percentiles[1]:8.1f} {percentiles[2]:8.1f}"
            f"   {low:24.3f} {median:8.3f}"
        )
        result[f"blur_{blur}"] = {"sharpness": round(float(percentiles[2]), 1), "cosine": round(float(median), 3)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()

"""Who is in a video, found out from its own faces: clusters of crops that are good enough to enrol."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.cluster import AgglomerativeClustering

from bench.corpus import central, pipeline
from bench.thesis import Sighting
from recognition.engine.images import decode

MIN_FACE_PX = 48  # as people.enrolment asks
MIN_SHARPNESS = 15.0
MIN_FRONTALITY = 0.5
SAME_PERSON = 0.92  # mean cosine between clusters that are one person
MIN_CROPS = 6  # good ones, in a cluster that is enrolled
MAX_ENROLLED = 10


def identities(pack: Path, found: Sequence[Sighting]) -> list[list[Sighting]]:
    """For each person every other good crop, to be enrolled."""
    good, vectors = [], []
    for one in found:
        if one.face.size < MIN_FACE_PX:
            continue
        image = decode(one.image)
        (faces,) = pipeline(pack).analyse([image], crops=True)
        face = central(image, faces)
        if face and face.quality.sharpness >= MIN_SHARPNESS and face.quality.frontality >= MIN_FRONTALITY:
            good.append(one)
            vectors.append(face.vector)
    if len(good) < MIN_CROPS:
        return []
    clustering = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=1 - SAME_PERSON
    )
    labels = clustering.fit_predict(np.stack(vectors))
    clusters = [[one for one, label in zip(good, labels, strict=True) if label == which] for which in np.unique(labels)]
    return [spread(cluster[::2], MAX_ENROLLED) for cluster in clusters if len(cluster) >= MIN_CROPS]


def spread(crops: Sequence[Sighting], most: int) -> list[Sighting]:
    """At most so many of them, evenly over their time."""
    return [crops[index] for index in np.unique(np.linspace(0, len(crops) - 1, most).astype(int))]

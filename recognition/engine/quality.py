"""Figures by which a photo or crop is accepted, refused or preferred."""

import cv2
import numpy as np

from recognition.engine.faces import Face, Image, Quality

_SIZE = 112  # sharpness depends on scale, so it is always measured at this one, pixels


def assess(face: Face, chip: Image) -> Quality:
    """Quality of a face and its aligned chip."""
    grey = cv2.resize(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), (_SIZE, _SIZE), interpolation=cv2.INTER_AREA)
    return Quality(
        face_px=min(face.width, face.height),
        sharpness=float(cv2.Laplacian(grey, cv2.CV_32F).var()),
        brightness=float(grey.mean()) / 255,
        frontality=_frontality(face),
    )


def _frontality(face: Face) -> float:
    """How far the nose is from the nearer eye, along the line between the eyes, as a share of half that line."""
    left_eye, right_eye, nose = np.array(face.landmarks[:3])
    line = right_eye - left_eye
    length = float(line @ line)
    if length == 0:
        return 0.0
    along = float((nose - left_eye) @ line) / length
    return max(0.0, 2 * min(along, 1 - along))

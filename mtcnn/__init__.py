"""MTCNN face detection in ONNX Runtime, shared by the recognition engine and the edge node."""

from mtcnn.detector import Detections, Mtcnn
from mtcnn.sessions import open_session

__all__ = ["Detections", "Mtcnn", "open_session"]

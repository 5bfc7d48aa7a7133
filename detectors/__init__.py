"""Face detectors in ONNX Runtime, shared by the recognition engine and the edge node."""

from detectors.faces import NOTHING, Detections
from detectors.mtcnn import Mtcnn
from detectors.sessions import open_session
from detectors.ultralight import Ultralight
from detectors.yunet import Yunet

__all__ = ["NOTHING", "Detections", "Mtcnn", "Ultralight", "Yunet", "open_session"]

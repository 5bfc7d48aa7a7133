"""Face detectors in ONNX Runtime, shared by the recognition engine and the edge node."""

import os

# ONNX Runtime would tell its maker of every process and network, unless this is set before it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from detectors.faces import NOTHING, Detections
from detectors.mtcnn import Mtcnn
from detectors.sessions import DAMAGED, open_session
from detectors.ultralight import Ultralight
from detectors.yunet import Yunet

__all__ = ["DAMAGED", "NOTHING", "Detections", "Mtcnn", "Ultralight", "Yunet", "open_session"]

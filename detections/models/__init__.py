"""Places and cameras, the inbox of crops, and what recognition made of them."""

from detections.models.deliveries import Delivery, DeliveryAttempt, ExternalServer, new_webhook_secret
from detections.models.places import Camera, CameraSettings, CameraStatus, EdgeNode, FloorPlan, Location
from detections.models.searches import Search
from detections.models.sightings import Crop, Detection, FaceImage, LastSeen, Track, TrackEvidence

__all__ = [
    "Camera",
    "CameraSettings",
    "CameraStatus",
    "Crop",
    "Delivery",
    "DeliveryAttempt",
    "Detection",
    "EdgeNode",
    "ExternalServer",
    "FaceImage",
    "FloorPlan",
    "LastSeen",
    "Location",
    "Search",
    "Track",
    "TrackEvidence",
    "new_webhook_secret",
]

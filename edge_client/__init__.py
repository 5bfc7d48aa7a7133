"""The edge node: finds faces in a camera's video and sends small crops of them to a facesite server."""

__version__ = "0.1.0"

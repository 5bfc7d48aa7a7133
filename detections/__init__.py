"""Cameras, submitted crops, detections, and where everyone was last seen."""

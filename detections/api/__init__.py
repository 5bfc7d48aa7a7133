"""The API over cameras, crops and detections: sending, asking at once, browsing."""

"""Cameras, what they sent, what became of it, and who outside is told."""

from detections.admin import flow, people, webhooks

__all__ = ["flow", "people", "webhooks"]

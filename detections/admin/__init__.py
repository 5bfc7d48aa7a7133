"""Cameras, what they sent, what became of it, and who outside is told."""

from detections.admin import flow, webhooks

__all__ = ["flow", "webhooks"]

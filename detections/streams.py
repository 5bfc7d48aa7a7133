"""Which video sources a node opens when a server tells it to."""

from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

STREAMS = {"rtsp", "rtsps", "rtmp", "http", "https"}


def check_stream(value: str) -> None:
    """Raises ValidationError."""
    if not value.isdecimal() and not _is_stream(value):
        raise ValidationError(_("Neither a stream's address (rtsp://… or http://…) nor the number of a webcam."))


def _is_stream(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:  # brackets around what is no IPv6 address
        return False
    return parts.scheme in STREAMS and bool(parts.hostname)

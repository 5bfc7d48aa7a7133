"""Requests as edge nodes send them."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from rest_framework.test import APIClient

from edge_client import bundle
from tests.fabricated import NOON, plain_png

ROOT = "/api/v1/face-recognition"


def crop(**fields: object) -> dict:
    """The metadata of one crop; a field given as None is left out."""
    values = {"id": str(uuid4()), "camera": "gate", "captured_at": NOON.isoformat()} | fields
    return {key: value for key, value in values.items() if value is not None}


def post(
    client: APIClient, crops: Sequence[object], images: dict[str, bytes] | None = None, *, to: str = "store-results"
) -> HttpResponse:
    """Send these crops; without `images`, each with a small picture of its own id."""
    if images is None:
        images = {one["id"]: plain_png() for one in crops}
    parts = {name: SimpleUploadedFile(f"{name}.png", data) for name, data in images.items()}
    return client.post(f"{ROOT}/{to}", {"metadata": json.dumps({"crops": crops}), **parts}, format="multipart")


def post_bundle(client: APIClient, *crops: bundle.Crop, to: str = f"{ROOT}/store-results", **rest: Any) -> HttpResponse:
    """Send the compact form."""
    return post_bytes(client, bundle.pack(crops, **rest)[1], to=to)


def post_bytes(client: APIClient, body: bytes, *, to: str = f"{ROOT}/store-results") -> HttpResponse:
    return client.generic("POST", to, body, content_type="")

"""The running system loads nothing that only building packs, or the demo, needs."""

import subprocess
import sys

import pytest
from django.conf import settings

HEAVY = ("torch", "torchvision", "facenet_pytorch", "onnx", "skimage", "matplotlib")


@pytest.mark.parametrize(
    "process",
    ["facesite.wsgi", "facesite.celery, detections.tasks, people.tasks", "facesite.wsgi, facesite.urls"],
)
def test_a_process_does_not_load(process: str) -> None:
    program = f"""
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "facesite.settings"
import django
django.setup()
import {process}
print(*(name for name in {HEAVY!r} if name in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=settings.BASE_DIR, text=True, capture_output=True, check=True
    )
    assert done.stdout.split() == []

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
    assert run(program) == []


def test_the_scheduler_loads_nothing_of_what_it_wakes() -> None:
    program = """
import sys
from facesite.scheduler import app
app.Beat(quiet=True).init_loader()
assert "sweep" in app.conf.beat_schedule
print(*(name for name in ("numpy", "onnxruntime", "detections.tasks") if name in sys.modules))
"""
    assert run(program) == []


def run(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=settings.BASE_DIR, text=True, capture_output=True, check=True
    )
    return done.stdout.split()

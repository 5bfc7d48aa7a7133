"""Nothing tells the maker of ONNX Runtime that it is in use: its reporting is off before it is loaded."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

SWITCH = "ORT_DISABLE_TELEMETRY"
PROGRAM = f"""
import os, sys
from importlib.abc import MetaPathFinder

class Watch(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "onnxruntime":
            print("loaded", os.environ.get({SWITCH!r}))

sys.meta_path.insert(0, Watch())
import MODULE
"""


@pytest.mark.parametrize(
    "module",
    ["detectors", "recognition.engine.pipeline", "recognition.packbuild.quantisation", "edge_client.detector"],
)
def test_reporting_is_off_before_the_runtime_is_loaded(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("MODULE", module)],
        cwd=settings.BASE_DIR,
        env={name: value for name, value in os.environ.items() if name not in {SWITCH, "CI"}},
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout.split() == ["loaded", "1"]

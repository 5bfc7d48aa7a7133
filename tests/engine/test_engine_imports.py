"""The running system never loads PyTorch, and the engine needs no Django."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        (
            "recognition.engine.pipeline, recognition.engine.fitting, recognition.engine.artifact",
            "torch django onnx sklearn",
        ),
        ("recognition.engine.images, recognition.packbuild.catalogue", "torch django sklearn"),
        ("detectors", "torch django sklearn recognition"),
    ],
)
def test_modules_do_not_load(modules: str, unwanted: str) -> None:
    program = f"import sys, {modules}; print(*[m for m in '{unwanted}'.split() if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split() == []

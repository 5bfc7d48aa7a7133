"""Imports point one way: each package may import only those listed for it. Imports inside functions count too."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT = settings.BASE_DIR
LAYERS = {
    "facesite": {"facesite", "detections", "people", "recognition", "recognition.engine", "access"},
    "detections": {"detections", "people", "recognition", "recognition.engine", "access"},
    "people": {"people", "recognition", "recognition.engine", "access"},
    "recognition": {"recognition", "recognition.engine", "recognition.packbuild.catalogue", "access"},
    "recognition.engine": {"recognition.engine", "detectors"},
    "recognition.packbuild": {"recognition.packbuild", "recognition.packbuild.catalogue", "recognition.engine"},
    # What packs there are: the only part of packbuild that the running system may see.
    "recognition.packbuild.catalogue": {"recognition.engine"},
    "access": {"access"},
    "detectors": {"detectors"},
    "edge_client": {"edge_client", "detectors"},
}
# What the packages that must stay light may use besides the standard library.
LIBRARIES = {
    "recognition.engine": {"numpy", "onnxruntime", "cv2", "sklearn"},
    "detectors": {"numpy", "onnxruntime", "cv2"},
    "edge_client": {"numpy", "onnxruntime", "cv2", "requests", "urllib3"},
}
OURS = {name.partition(".")[0] for name in LAYERS}
BUILD_ONLY = {"torch", "torchvision", "facenet_pytorch", "onnx", "face_recognition_models"}
STANDARD = sys.stdlib_module_names


def layer_of(module: str) -> str:
    """The most specific package of LAYERS that a module belongs to."""
    return max((name for name in LAYERS if module == name or module.startswith(f"{name}.")), key=len)


def imports_of(source: str, package: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            # `from recognition import engine` imports a layer by name.
            yield from (f"{module}.{alias.name}" for alias in node.names if f"{module}.{alias.name}" in LAYERS)


def breaches(path: Path, source: str) -> Iterator[str]:
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    layer = layer_of(module)
    for name in imports_of(source, package):
        top = name.partition(".")[0]
        if top in OURS:
            if layer_of(name) not in LAYERS[layer]:
                yield f"{path} ({layer}) imports {name}"
        elif top in BUILD_ONLY and layer != "recognition.packbuild":
            yield f"{path} imports {name}, which only recognition.packbuild may"
        elif layer in LIBRARIES and top not in LIBRARIES[layer] and top not in STANDARD:
            yield f"{path} ({layer}) imports {name}"


def our_files() -> list[Path]:
    return sorted(path.relative_to(ROOT) for name in OURS for path in (ROOT / name).rglob("*.py"))


def test_every_import_points_downward() -> None:
    found = [breach for path in our_files() for breach in breaches(path, (ROOT / path).read_text())]
    assert found == []


def test_the_walk_covers_every_layer() -> None:
    assert {layer_of(".".join(path.with_suffix("").parts)) for path in our_files()} == set(LAYERS)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("people/models.py", "from detections.models import Camera"),
        ("recognition/jobs.py", "def f():\n    import people.models"),
        ("recognition/engine/images.py", "import django"),
        ("recognition/engine/images.py", "from recognition import models"),
        ("recognition/loader.py", "import torch"),
        ("edge_client/agent.py", "from recognition.engine import images"),
        ("access/models.py", "from people.models import Person"),
    ],
)
def test_a_breach_is_seen(path: str, source: str) -> None:
    assert list(breaches(Path(path), source))

"""The edge node installs alone: it loads nothing of the site, nor any library that is not in its requirements."""

import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LIST_IMPORTS = """
import sys, edge_client.__main__
for name, module in sorted(sys.modules.items()):
    if "." not in name and "site-packages" in str(getattr(module, "__file__", "")) or name in {packages!r}:
        print(name)
"""


def test_edge_client_loads_only_its_own_requirements():
    site = {"facesite", "detections", "people", "recognition", "access", "django", "torch"}
    done = subprocess.run(
        [sys.executable, "-c", LIST_IMPORTS.format(packages=site)],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(done.stdout.split())
    required = {"cv2", "numpy", "onnxruntime", "requests"}
    # certifi to urllib3 come with requests; the others with onnxruntime.
    companions = {"certifi", "charset_normalizer", "idna", "urllib3", "flatbuffers", "google", "packaging"}
    assert required <= loaded
    assert not loaded & site
    assert {name for name in loaded if not name.startswith("_")} <= required | companions


def test_edge_requirements_are_pinned_as_for_the_server():
    def pins(path: str) -> set[str]:
        return set(re.findall(r"^[\w.-]+==\S+", (REPOSITORY / path).read_text(), re.MULTILINE))

    edge = pins("edge_client/requirements.txt")
    assert len(edge) == 4
    assert edge <= pins("requirements-server.txt")

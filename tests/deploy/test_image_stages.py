"""The steps of the Dockerfile, done by the same scripts in clean folders: what they make is whole and runs alone."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.deploy.tools import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("image"), pytest.mark.timeout(600)]

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
LIBRARIES_MB = 550  # leaves room in 700 for Debian, Python, packs and code


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stage `code`: what it copies, and nothing else."""
    folder = tmp_path_factory.mktemp("code")
    stage = DOCKERFILE.partition("AS code\n")[2].partition("\nFROM ")[0]
    for line in re.findall(r"^COPY (.+)$", stage, re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            if (REPOSITORY / source).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(REPOSITORY / source, folder / target, ignore=ignored)
            else:
                (folder / target).mkdir(exist_ok=True)
                shutil.copy(REPOSITORY / source, folder / target)
    return folder


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The stage `server-libraries`."""
    folder = tmp_path_factory.mktemp("libraries") / "venv"
    subprocess.run(
        [REPOSITORY / "docker/install-libraries.sh", folder, "requirements-server.txt"], check=True, cwd=REPOSITORY
    )
    yield folder
    shutil.rmtree(folder)


def run(libraries: Path, folder: Path, *command: object, **environment: str) -> str:
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={"PATH": f"{libraries / 'bin'}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_server_has_all_it_imports_and_is_small(libraries: Path, code: Path, tmp_path: Path) -> None:
    size = sum(path.lstat().st_size for path in libraries.rglob("*") if not path.is_symlink())
    assert size < LIBRARIES_MB * 1e6
    out = run(
        libraries, code, "python", "-c",
        "import facesite.wsgi, facesite.webserver, facesite.celery, recognition.blobstorage, cv2, sys;"
        "from celery import current_app; current_app.loader.import_default_modules();"
        "assert not {'torch', 'sklearn', 'matplotlib'} & set(sys.modules); print(cv2.__file__)",
        DATA_DIR=str(tmp_path), PACKS_DIR=str(settings.PACKS_DIR),
    )  # fmt: skip
    assert str(libraries) in out
    assert not (libraries / "bin" / "pip").exists()


def test_the_edge_node_runs_on_the_libraries_of_its_own_list(libraries: Path, tmp_path: Path) -> None:
    for package in ("edge_client", "detectors"):
        shutil.copytree(REPOSITORY / package, tmp_path / package)
    assert "Watch cameras" in run(libraries, tmp_path, "python", "-m", "edge_client", "run", "--help")


def test_static_files_are_collected_and_nothing_else_is_left(libraries: Path, code: Path, tmp_path: Path) -> None:
    run(libraries, code, code / "docker/collect-static.sh", tmp_path / "var")
    assert {path.name for path in (tmp_path / "var").iterdir()} == {"static"}
    assert (tmp_path / "var/static/staticfiles.json").exists()


def test_packs_that_are_there_already_stay_and_are_verified(code: Path, tmp_path: Path) -> None:
    shutil.copytree(settings.PACKS_DIR, tmp_path / "packs")
    former = tmp_path / "packs" / "former@0123"
    shutil.copytree(settings.PACKS_DIR / settings.PACK, former)
    builder = Path(sys.executable).parent.parent  # the one with PyTorch
    out = run(builder, code, code / "docker/build-packs.sh", tmp_path / "packs")
    assert "Pack dlib-resnet@" in out
    assert "Pack dlib-resnet-int8@" in out
    assert (former / "manifest.json").exists()

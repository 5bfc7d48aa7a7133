"""The package that pip installs on a box holds what the edge node imports, and asks for its requirements."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

from tests.architecture.test_import_rule import LAYERS

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


def test_the_package_holds_what_the_edge_node_imports_and_nothing_of_the_server() -> None:
    patterns = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    packed = {layer for layer in LAYERS if any(fnmatch(layer, pattern) for pattern in patterns)}
    assert packed == LAYERS["edge_client"]


def test_the_extra_asks_for_the_edge_node_s_requirements() -> None:
    extra = PROJECT["tool"]["setuptools"]["dynamic"]["optional-dependencies"]["edge"]
    assert extra == {"file": ["edge_client/requirements.txt"]}


def test_the_service_runs_the_command_that_the_package_installs() -> None:
    (command,) = PROJECT["project"]["scripts"]
    unit = (REPOSITORY / "edge_client/systemd/facesite-edge.service").read_text()
    assert f"ExecStart=/opt/{command}/bin/{command} run --config /etc/{command}/edge.toml\n" in unit

"""What docs/edge.md tells an installer to write is what the node reads."""

import re
import subprocess
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from edge_client import config
from edge_client.__main__ import PROGRAMS
from edge_client.settings import SETTINGS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "edge.md").read_text()
EXAMPLE = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]


def load(folder: Path, text: str) -> config.NodeConfig:
    (folder / "edge.key").write_text("fs_key")
    (folder / "edge.toml").write_text(text)
    return config.load(folder / "edge.toml")


def test_the_example_is_a_configuration(tmp_path: Path) -> None:
    node = load(tmp_path, EXAMPLE)
    assert node.server == "https://faces.example.org"
    assert set(node.cameras) == {"entrance", "gate-2", "desk"}
    assert node.cameras["gate-2"].settings == {"min_size": 30.0}


def test_the_example_shows_every_setting(tmp_path: Path) -> None:
    assert {name for name in SETTINGS if not re.search(rf"^(# )?{name} = ", EXAMPLE, re.MULTILINE)} == set()


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_is_in_the_table(program: str) -> None:
    assert f"| `{program}` |" in PAGE


def write_package(folder: Path, content: str) -> None:
    with ZipFile(folder / "facesite-0.1.0-py3-none-any.whl", "w") as package:
        about = "facesite-0.1.0.dist-info"
        package.writestr("edge_client.py", content)
        package.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: facesite\nVersion: 0.1.0\nProvides-Extra: edge\n"
        )
        package.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        package.writestr(f"{about}/RECORD", "")


def test_upgrading_replaces_the_program_also_by_one_of_the_same_version(tmp_path: Path) -> None:
    venv.create(tmp_path / "node", with_pip=True)
    *_, upgrade = re.findall(r"```sh\n(.*?)```", PAGE.partition("## Upgrading")[2].partition("\n## ")[0], re.DOTALL)
    commands = re.sub(r"^sudo (systemctl .*)?", "", upgrade, flags=re.MULTILINE).replace("/opt/facesite-edge", "~/node")
    surroundings = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1"}
    for content in ("old", "new"):
        write_package(tmp_path, content)
        subprocess.run(["bash", "-ec", commands], env=surroundings, capture_output=True, check=True)
        (program,) = (tmp_path / "node").glob("lib/*/site-packages/edge_client.py")
        assert program.read_text() == content

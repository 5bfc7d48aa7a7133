"""What docs/edge.md tells an installer to write is what the node reads."""

import re
from pathlib import Path

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

"""Every program explains itself, with an example that its own options accept."""

import re
import shlex

import pytest

from edge_client.__main__ import PROGRAMS, parser

OURS = ["recognize", "enroll-folder", "enroll-camera", "extract", "send-folder"]
OPTIONS = {
    "recognize": "--video-source --skip-frames --target-fps --min-size --max-size --min-confidence --multithreading "
    "--output --headless --server --key-file",
    "enroll-folder": "--input-folder --person-id --create-id --train --server --key-file",
    "enroll-camera": "--video-source --img-number --person-id --create-id --train --min-size --server --key-file",
    "extract": "--video-source --input-folder --output --boxes --skip-frames --target-fps --min-size --max-size",
    "send-folder": "--input-folder --camera --dry-run --stats --server --key-file",
}


def help_of(program: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([program, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("program", OURS)
def test_options_keep_their_names(program: str, capsys) -> None:
    assert set(OPTIONS[program].split()) <= set(re.findall(r"--[a-z-]+", help_of(program, capsys)))


@pytest.mark.parametrize("program", OURS)
def test_the_example_is_a_command_that_can_be_given(program: str, capsys) -> None:
    text = help_of(program, capsys).replace("\\\n", " ")
    examples = re.findall(r"python -m edge_client (.*)", text.split("example", 1)[1].split("\n\n")[0])
    assert examples
    for example in examples:
        assert parser().parse_args(shlex.split(example)).program == program


@pytest.mark.parametrize("program", PROGRAMS)
def test_exit_codes_are_told(program: str, capsys) -> None:
    assert "exit codes: 0" in help_of(program, capsys)


def test_a_missing_option_is_named(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["enroll-camera", "--server", "http://x"])
    assert ended.value.code == 2
    assert "--person-id" in capsys.readouterr().err

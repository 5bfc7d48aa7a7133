"""Progress is one changing line on a terminal, a few plain lines elsewhere; results are apart, on standard output."""

import contextlib
import io

import pytest

from edge_client import progress
from edge_client.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_terminal_shows_each_state_in_the_same_line(clock: list[float]) -> None:
    terminal = Terminal()
    with Progress("photos", 3, terminal) as shown:
        for _ in range(3):
            clock[0] += 1
            shown.step("0 refused")
    assert "\n" not in terminal.getvalue()[:-1]
    lines = [line.removeprefix("\x1b[K") for line in terminal.getvalue().rstrip().split("\r")]
    assert lines == [
        "1 of 3 photos, 0 refused, about 0:02 left",
        "2 of 3 photos, 0 refused, about 0:01 left",
        "3 of 3 photos, 0 refused",
        "3 of 3 photos, 0 refused",
    ]


def test_a_file_gets_plain_lines_now_and_then(clock: list[float]) -> None:
    log = io.StringIO()
    with Progress("frames", stream=log) as shown:
        for _ in range(40):
            clock[0] += 1
            shown.step()
    assert log.getvalue().splitlines() == ["15 frames", "30 frames", "40 frames"]


def test_the_last_state_stands_also_after_an_error(clock: list[float]) -> None:
    log = io.StringIO()
    with contextlib.suppress(KeyError), Progress("photos", 9, log) as shown:
        shown.step()
        raise KeyError
    assert log.getvalue() == "1 of 9 photos, about 0:00 left\n"


def test_results_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    with Progress("photos", 1, terminal) as shown:
        shown.say("a.jpg: accepted")
    assert capsys.readouterr().out == "a.jpg: accepted\n"
    assert "accepted" not in terminal.getvalue()

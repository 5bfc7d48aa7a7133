"""Starting where something already listens is refused with what to do."""

import socket

import pytest
from django.core.management import CommandError, call_command


def test_a_taken_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("PORT", str(taken.getsockname()[1]))
        with pytest.raises(CommandError, match="PORT=8001 make run"):
            call_command("start")


@pytest.mark.parametrize("port", ["ninety", "99999"])
def test_a_port_that_is_none_is_refused(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(CommandError, match=port):
        call_command("start")
